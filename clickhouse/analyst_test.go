package clickhouse_test

import (
	"context"
	"strings"
	"testing"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/clickhouse"
	"nightjar/testenv"
)

// The embedded server has nowhere to keep users that SQL made, so what a server
// of the user's does with these statements can't be tried here. That it reads
// them as they are meant can.
func TestTheServerParsesTheStatementsOfCreateAnalyst(t *testing.T) {
	conn := testenv.ClickHouse(t)
	statements := clickhouse.AnalystStatements("it`s", "secret", "data`base", []string{"events", "signals"})
	for _, sql := range statements {
		if err := conn.Exec(t.Context(), "EXPLAIN AST "+sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if want := "GRANT SELECT ON `data\\`base`.`signals` TO `it\\`s`"; statements[len(statements)-1] != want {
		t.Errorf("got %s\nwant %s", statements[len(statements)-1], want)
	}
	for _, limit := range []string{"readonly = 1", "max_execution_time = 30 MIN 1 MAX 30 CHANGEABLE_IN_READONLY", "max_memory_usage = 2147483648 MIN 1"} {
		if !strings.Contains(statements[1], limit) {
			t.Errorf("no %s in %s", limit, statements[1])
		}
	}
}

// refuser answers every statement with an error that quotes it, as a server
// does.
type refuser struct{ driver.Conn }

func (refuser) Exec(_ context.Context, sql string, _ ...any) error {
	return &ch.Exception{Code: 497, Message: "not enough privileges: " + sql}
}

func TestCreateAnalystHidesItsPasswordInErrors(t *testing.T) {
	_, err := clickhouse.CreateAnalyst(t.Context(), refuser{}, &ch.Options{Auth: ch.Auth{Database: "d"}}, nil)
	if err == nil || !strings.Contains(err.Error(), "BY '…'") {
		t.Errorf("got %v, want an error with the password left out", err)
	}
}
