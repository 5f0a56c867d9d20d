/**
 * Loaded with `node --import`: the clock of the process starts at `$FOLDLOG_TEST_NOW`, ISO 8601, and goes on from there.
 */
const offset = Date.parse(process.env.FOLDLOG_TEST_NOW) - Date.now()
const now = Date.now.bind(Date)
Date.now = () => now() + offset
