package operations

import (
	"context"
	"time"

	"nightjar/scheduler"
	"nightjar/schema"
)

// Reporter says how the engine is.
type Reporter interface {
	Status(context.Context) (Status, error)
	// Stored is what is kept, and what is let go of.
	Stored(context.Context) (Stored, error)
	// RuleCosts are what enabled rules cost: those that are evaluated by themselves
	// first, then the dearest.
	RuleCosts() []scheduler.RuleCost
	// AcceptLoss notes that an operator has seen the gaps, and returns how many of them
	// and of their events no operator had seen before.
	AcceptLoss(by, comment string) (gaps int, events uint64, err error)
}

// Status is how the engine is.
type Status struct {
	EventsReceived         uint64 // acknowledged since the first start
	EventsEvaluatedThrough uint64
	CaughtUp               bool
	Lag                    time.Duration
	ClickHouseUp           bool
	ClickHouseVersion      string
	ClickHouseEmbedded     bool
	Rules                  struct{ Total, Enabled, Unsupported, Failing int }
	// Aside are the events that are set aside, for some rule, the earliest first.
	Aside         []scheduler.Aside
	Storage       Storage
	GeoIP         []GeoIP
	WithoutEffect []schema.Idle // what is kept and does nothing
	// Clocks that are off, the furthest first; and sources with times that could
	// not be read, the most first.
	Clocks          []ClockSkew
	UnreadableTimes []UnreadableTimes
	// Sources of which something arrived within a day, the latest first.
	Sources []Source
	Syslog  []SyslogDoor
	// Gaps are acknowledged events that are lost or set aside, the oldest first;
	// Lost is how many were ever lost.
	Gaps []ArrivalGap
	Lost uint64
	// AuditLost is how many entries of the audit log could not be kept since the start,
	// AuditWaiting how many are on disk and not yet in its table.
	AuditLost, AuditWaiting uint64
	// SignalLists is why lists of signals are slow where there are many; empty: they are not.
	SignalLists string
	Intake      Intake
}

// Intake is what came of all that was sent, since the start.
type Intake struct {
	Received, Acknowledged, Stored  uint64            // events
	Refused                         map[string]uint64 // requests, by reason
	DuplicateBatches, Known         uint64
	Late                            uint64
	Future, Untimed, UnreadableTime uint64
	Cut, DeadLettered               uint64
	Waiting, LogBytes               uint64
}

// ArrivalGap is a stretch of acknowledged events that are not where they should be.
type ArrivalGap struct {
	First, Last, Events uint64
	Arrived, Since      schema.Millis // 0: no record of it
	State, Reason       string
	Attempts            int
	// Accepted is when somebody said that they know of it, AcceptedBy who, with Comment; 0:
	// nobody did.
	Accepted            schema.Millis
	AcceptedBy, Comment string
}

// SyslogDoor is how an address that takes in syslog is doing, since the start.
type SyslogDoor struct {
	Protocol, Address string // udp, tcp or tls
	Connections       int    // now
	Messages, Bytes   uint64 // taken in
	// By cause: connections and datagrams of those who may not send, connections
	// that were ended, messages that were lost, and those that were kept damaged.
	Refused, Closed, Lost, Damaged map[string]uint64
}

// ClockSkew is a source and host whose events are all ahead of the clock or behind
// it, by more than ten minutes.
type ClockSkew struct {
	Source, Host         string
	Since, Last          time.Time
	Events, NotEvaluated uint64
	Behind               time.Duration // of the last event; negative: ahead
}

// Source is what calls itself so, and when something of it arrived last.
type Source struct {
	Source string
	Last   schema.Millis
}

// UnreadableTimes counts events of a source whose time could not be read.
type UnreadableTimes struct {
	Source string
	Events uint64
	Last   time.Time
}

// GeoIP is a database that events are located by.
type GeoIP struct {
	File, Type  string
	Built       time.Time
	Attribution string // to be shown beside results
}

// Storage is what is kept and what was dropped.
type Storage struct {
	Used, Quota                 uint64 // bytes
	OverQuota                   bool
	OldestDay                   string
	Dropped, DroppedUnevaluated uint64 // events
}
