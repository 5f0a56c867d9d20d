/** Loaded with `node --import`: whoever imports chokidar gets version 6, as it is on newer versions of Node. */
import { register } from 'node:module'

const hook = "export const resolve = (name, at, next) => next(name === 'chokidar' ? 'chokidar-6' : name, at)"
register(`data:text/javascript,${encodeURIComponent(hook)}`)
