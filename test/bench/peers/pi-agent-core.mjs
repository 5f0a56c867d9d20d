export { BACKGROUND_CONTEXT, JsonlSessionRepo, NodeExecutionEnv } from '@earendil-works/pi-agent-core/node'
