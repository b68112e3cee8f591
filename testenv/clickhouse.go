package testenv

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/clickhouse"
)

func init() {
	runJanitor()
	clickhouse.RunChild()
}

// RequireEnv names the environment variable with which a machine without
// ClickHouse fails a test that needs it, rather than skipping it.
const RequireEnv = "REQUIRE_CLICKHOUSE"

// AnalystTables is what clickhouse.Analyst may read on the test's server: every
// table of every test's database.
const AnalystTables = databasePrefix + "*.*"

const databasePrefix = "test_"

// ClickHouse returns a pool of connections, as the admin, to a database of this
// test's own on the server that all tests of the binary share. The pool ends with
// the test.
func ClickHouse(t testing.TB) driver.Conn {
	t.Helper()
	return Open(t, Options(t))
}

// Options are those for a fresh database, for a test that opens it itself. It
// goes with the server, not with the test: a connection that is just logging in
// to a database that is being dropped would take the embedded server with it.
func Options(t testing.TB) *ch.Options {
	t.Helper()
	server := Server(t)
	name := databaseName(t)
	admin := Open(t, server.Options(clickhouse.Admin))
	if err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create database %s: %v", name, err)
	}
	options := server.Options(clickhouse.Admin)
	options.Auth.Database = name
	return options
}

// Open is clickhouse.Open, closed at the end of the test.
func Open(t testing.TB, options *ch.Options) driver.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	conn, err := clickhouse.Open(ctx, options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// Server returns the server that all tests of the binary share, starting it for
// the first. It ends with the test binary. A machine without the library skips
// the test, or fails it where REQUIRE_CLICKHOUSE is set.
func Server(t testing.TB) *clickhouse.Embedded {
	t.Helper()
	RequireLibrary(t)
	server, err := shared()
	if err != nil {
		t.Fatalf("start the server of the tests: %v", err)
	}
	return server
}

// RequireLibrary skips the test on a machine without libchdb, or fails it where
// REQUIRE_CLICKHOUSE is set.
func RequireLibrary(t testing.TB) {
	t.Helper()
	_, err := clickhouse.Library("")
	switch {
	case err == nil:
	case os.Getenv(RequireEnv) != "":
		t.Fatalf("%s is set: %v", RequireEnv, err)
	default:
		t.Skipf("needs ClickHouse: %v", err)
	}
}

var shared = sync.OnceValues(func() (*clickhouse.Embedded, error) {
	dir, err := tempDir()
	if err != nil {
		return nil, err
	}
	if _, err := clickhouse.LockDataDir(dir); err != nil {
		return nil, err
	}
	return clickhouse.StartEmbedded(context.Background(), clickhouse.EmbeddedConfig{
		DataDir:       dir,
		Logger:        slog.New(slog.NewTextHandler(os.Stderr, nil)),
		MemoryRatio:   0.4,
		AnalystTables: []string{AnalystTables},
	})
})

var databases atomic.Int64

var notWord = regexp.MustCompile(`\W+`)

// databaseName is unlike every other of this binary, and says whose it is.
func databaseName(t testing.TB) string {
	name := strings.Trim(notWord.ReplaceAllString(t.Name(), "_"), "_")
	return fmt.Sprintf("%s%d_%s", databasePrefix, databases.Add(1), strings.ToLower(name[:min(len(name), 60)]))
}
