package clickhouse

import (
	"context"
	"sync"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"nightjar/compiler/search"
)

// indexesWhileReading is the setting of newer servers that, at 0, has skipping
// indexes asked before parts are opened, as the older ones do anyway. At 1 a
// statement over JSON attributes takes 200 ms where the indexes leave nothing to
// read, and at 0 it takes 20.
const indexesWhileReading = "use_skip_indexes_on_data_read"

// knownSettings remembers whether the server has indexesWhileReading: one that
// has not refuses the statement.
type knownSettings struct {
	mu  sync.Mutex
	has *bool // nil: not asked yet
}

func (k *knownSettings) hasIndexesWhileReading(ctx context.Context, conn driver.Conn) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.has == nil {
		var n uint64
		if err := conn.QueryRow(ctx, "SELECT count() FROM system.settings WHERE name = '"+indexesWhileReading+"'").Scan(&n); err != nil {
			return false // it works without, and is asked again
		}
		k.has = new(n > 0)
	}
	return *k.has
}

// statement are the settings of a statement with our SQL in it, whose indexes
// are asked before it reads.
func (k *knownSettings) statement(ctx context.Context, conn driver.Conn) ch.Settings {
	settings := ch.Settings{}
	for name, value := range search.StatementSettings {
		settings[name] = value
	}
	if k.hasIndexesWhileReading(ctx, conn) {
		settings[indexesWhileReading] = 0
	}
	return settings
}
