// Does nothing: beside a watched process it shows what the machine alone does to an event loop.
process.on('disconnect', () => process.exit(0))
