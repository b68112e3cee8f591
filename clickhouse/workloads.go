package clickhouse

import (
	"context"
	"fmt"
	"runtime"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// Use is what a pool of connections is for. Each has connections of its own, so
// that none waits for those of another, and its own entry in the server's workloads.
type Use struct {
	connections int
	settings    ch.Settings
}

// The uses, the most urgent first. What people ask comes after detection: its
// statements get the processors that detection leaves, and at most as many threads
// as there are processors, all together.
var (
	// Intake stores events.
	Intake = Use{6, detectionSettings}
	// Evaluation runs rules, and keeps what they and users configured.
	Evaluation = Use{16, detectionSettings}
	// Health asks whether the server answers.
	Health = Use{2, detectionSettings}
	// Lookup shows people what was detected, which does not wait for searches.
	Lookup = Use{32, ch.Settings{"workload": detectionWorkload, "max_threads": 1}}
	// Asking is for what the engine asks for people.
	Asking = Use{64, peopleSettings}
	// AdHoc is for the SQL that people write; its workload is that of its user.
	AdHoc = Use{64, nil}
)

// The workloads of the server, where it has them. An unknown one bounds nothing.
const (
	detectionWorkload = "nightjar_detection"
	peopleWorkload    = "nightjar_people"
)

var detectionSettings = ch.Settings{"workload": detectionWorkload, "priority": 1}

// peopleSettings are those of every statement that a person waits for. One of a
// lower priority pauses while one of a higher one runs.
var peopleSettings = ch.Settings{"workload": peopleWorkload, "priority": peoplePriority, "max_threads": threadsOfAPerson()}

const peoplePriority = 10

// threadsOfAPerson is how many threads one statement of a person's may have: half
// of the processors, so that one person leaves room for another.
func threadsOfAPerson() int { return max(1, runtime.NumCPU()/2) }

// For are the options for a pool of this use.
func (u Use) For(options *ch.Options) *ch.Options {
	o := *options
	o.MaxOpenConns, o.MaxIdleConns = u.connections, max(2, u.connections/4)
	o.Settings = ch.Settings{}
	for name, value := range options.Settings {
		o.Settings[name] = value
	}
	for name, value := range u.settings {
		o.Settings[name] = value
	}
	return &o
}

// CreateWorkloads tells the server how detection and people share its processors.
// It needs the right to create workloads; without them, the bounds on statements
// and their threads hold alone.
func CreateWorkloads(ctx context.Context, conn driver.Conn) error {
	processors := runtime.NumCPU()
	for _, sql := range []string{
		"CREATE OR REPLACE RESOURCE nightjar_processors (MASTER THREAD, WORKER THREAD)",
		fmt.Sprintf("CREATE OR REPLACE WORKLOAD nightjar SETTINGS max_concurrent_threads = %d", 4*processors+8),
		"CREATE OR REPLACE WORKLOAD " + detectionWorkload + " IN nightjar SETTINGS priority = 0",
		fmt.Sprintf("CREATE OR REPLACE WORKLOAD "+peopleWorkload+" IN nightjar SETTINGS priority = 1, max_concurrent_threads = %d", processors),
	} {
		if err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("make the server's workloads: %w", err)
		}
	}
	return nil
}
