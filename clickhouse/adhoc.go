package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// ErrReadsFiles refuses ad hoc SQL that calls the function file.
var ErrReadsFiles = errors.New("the function file is not allowed here, and neither is APPLY, which could call it")

// CheckAdHoc refuses SQL of a person's that reads files of the server. An
// embedded server answers the function file(…) to every user, whatever was
// granted, and though it is confined to its own folder, the rows of every table
// are in there.
//
// The question is put to the server's own parser, which executes nothing, so
// that no comment, quote or escape in the text hides the name. ctx carries the
// parameters of the query, if it has any; conn should be the analyst's.
func CheckAdHoc(ctx context.Context, conn driver.Conn, query string) error {
	rows, err := conn.Query(ctx, "EXPLAIN AST "+query)
	if err != nil {
		return fmt.Errorf("parse the query: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var node string
		if err := rows.Scan(&node); err != nil {
			return fmt.Errorf("read the parsed query: %w", err)
		}
		kind, rest, _ := strings.Cut(strings.TrimSpace(node), " ")
		name, _, _ := strings.Cut(rest, " ")
		if (kind == "Function" || kind == "Identifier") && name == "file" || strings.Contains(kind, "Apply") {
			return ErrReadsFiles
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("parse the query: %w", err)
	}
	return nil
}
