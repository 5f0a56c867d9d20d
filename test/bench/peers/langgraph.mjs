export { SqliteSaver } from '@langchain/langgraph-checkpoint-sqlite'
export { emptyCheckpoint, uuid6 } from '@langchain/langgraph-checkpoint'
