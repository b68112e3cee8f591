package clickhouse

import "time"

// SetLeftoverTime shortens the patience with a server that does not end.
func SetLeftoverTime(d time.Duration) (restore func()) {
	old := leftoverTime
	leftoverTime = d
	return func() { leftoverTime = old }
}

// ForgetRunChild makes the program one that never called RunChild.
func ForgetRunChild() (restore func()) {
	childAware = false
	return func() { childAware = true }
}

var (
	CheckVersion      = checkVersion
	AnalystStatements = analystStatements
)

const (
	PinnedPackage = pinnedPackage
	PinnedVersion = pinnedVersion
)
