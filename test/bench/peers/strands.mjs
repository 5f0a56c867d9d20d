export { FileStorage } from '@strands-agents/sdk'
