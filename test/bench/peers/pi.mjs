export { SessionManager } from '@mariozechner/pi-coding-agent'
