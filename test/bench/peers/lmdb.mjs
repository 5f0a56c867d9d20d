export { open } from 'lmdb'
