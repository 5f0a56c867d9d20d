/** What a process costs that does next to nothing. */
process.exitCode = 0
