package clickhouse

// MaxCells is how many paths × rows one block takes.
const MaxCells = maxCells
