package clickhouse_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"nightjar/clickhouse"
)

// parentEnv makes this test binary a program that runs a server on the folder
// it names, until it is killed.
const parentEnv = "NIGHTJAR_TEST_PARENT"

func TestMain(m *testing.M) {
	if dir := os.Getenv(parentEnv); dir != "" {
		runParent(dir)
	}
	os.Exit(m.Run())
}

// runParent prints "ready" and the server's process id once a row is
// acknowledged, or the reason why there is no server.
func runParent(dir string) {
	ctx := context.Background()
	if _, err := clickhouse.LockDataDir(dir); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	server, err := clickhouse.StartEmbedded(ctx, clickhouse.EmbeddedConfig{DataDir: dir})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	conn, err := clickhouse.Open(ctx, server.Options(clickhouse.Admin))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for _, query := range []string{
		"CREATE TABLE IF NOT EXISTS kept (n UInt64) ENGINE = MergeTree ORDER BY n",
		"INSERT INTO kept SELECT number FROM numbers(1000)",
	} {
		if err := conn.Exec(ctx, query); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	// A query that has a minute to go must not keep the server alive.
	go conn.Exec(ctx, "SELECT sleepEachRow(3) FROM numbers(20) SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 0")
	fmt.Println("ready", server.Pid())
	select {}
}
