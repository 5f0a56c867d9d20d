/**
 * What authors of backends need: the contract every backend passes, and the mirror that compares two of them.
 */
export { backendContract, type ContractOptions, type Opened } from './contract.ts'
export { mirrorBackend } from './mirror.ts'
