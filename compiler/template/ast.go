package template

import (
	"maps"
	"slices"
	"time"

	"nightjar/schema"
)

// node is a part of a template: one of the types below, and no other.
type node interface{ pos() int }

// at is the byte offset of a node in the template's text.
type at int

func (a at) pos() int { return int(a) }

// ownText is text of the template itself. Shown is what becomes of the source:
// escapes are resolved, and a line that held nothing but a block tag is gone.
type ownText struct {
	at
	source, shown string
}

// variable is `{{name}}`. Three braces mean the same: there is no way to write
// a value unescaped.
type variable struct {
	at
	ref    ref
	triple bool
}

// evaluation is `{{eval "…"}}`.
type evaluation struct {
	at
	source string
	expr   expr
}

// localTime is `{{local_time "first_seen" "Asia/Tokyo"}}`.
type localTime struct {
	at
	ref      ref
	zoneName string
	zone     *time.Location
}

// urlEncode is `{{urlencode "service.name"}}`.
type urlEncode struct {
	at
	ref ref
}

// comment is `{{! … }}`, in full.
type comment struct {
	at
	source string
}

// block is a condition and what is shown where it holds and where it does not.
// A raw block has four braces, and text only.
type block struct {
	at
	test         test
	negated, raw bool
	yes, no      []node
	hasElse      bool
}

// test is the condition of a block.
type test struct {
	name  string // is_match, is_exact_match, if; raw always holds
	ref   ref
	words []string
}

// ref names a value of the signal.
type ref struct {
	kind   refKind
	name   string       // of refBuiltin and refPerQuery
	field  schema.Field // of refField
	path   string       // of refField: the attribute that it may also be
	source string       // as it is written
	at     int
}

type refKind uint8

const (
	refBuiltin refKind = iota
	refPerQuery
	refField
)

// builtinKind is what a variable that every signal has is.
type builtinKind uint8

const (
	builtinText builtinKind = iota
	builtinNumber
	builtinDate  // rendered as a date
	builtinEpoch // the same moment, in milliseconds
)

// builtins are the variables of the reference, and ours of signals about what
// did not happen. last_triggered_at is what its documentation calls last_seen in
// an example.
var builtins = map[string]builtinKind{
	"rule_name": builtinText, "case_name": builtinText,
	"severity": builtinNumber, "events_matched": builtinNumber,
	"timestamp": builtinDate, "timestamp_epoch": builtinEpoch,
	"first_seen": builtinDate, "first_seen_epoch": builtinEpoch,
	"last_seen": builtinDate, "last_seen_epoch": builtinEpoch,
	"last_triggered_at": builtinDate, "last_triggered_at_epoch": builtinEpoch,
	"silent_since": builtinDate, "silent_since_epoch": builtinEpoch, "silent_for": builtinText,
}

var builtinNames = slices.Sorted(maps.Keys(builtins))

const perQueryPrefix = "events_matched_per_query."
