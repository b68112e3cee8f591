package clickhouse

// CanConfine says why this kernel cannot confine a server.
func CanConfine() error {
	_, err := landlockABI()
	return err
}
