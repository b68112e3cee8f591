package schema

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Signal is what a rule found: about whom, from when to when.
type Signal struct {
	ID          string
	Version     uint64
	RuleKey     string // see Rule.DetectionKey
	RuleID      string
	RuleVersion int64
	Case        int // index of the case; −1: a third-party default
	Group       []string
	FirstSeen   Millis
	LastSeen    Millis
	Events      uint64 // distinct matching events
	// PerQuery are the distinct matching events of each query of the rule.
	PerQuery []uint64
	State    string // StateOpen, or StateArchived where the engine withdrew or withheld it
	Reason   string // why it did: ReasonMerged, ReasonRetracted or ReasonSuppressed
	// Triage is what analysts made of it. Standing joins the two.
	Triage Triage
	// Suppression is the id of the suppression that withholds it, with
	// ReasonSuppressed.
	Suppression string
	// Opened is the arrival sequence of the event that opened it, fixed when it
	// is first published.
	Opened uint64
	// Place counts up with every version of any signal that is published; rules
	// over signals read on by it.
	Place uint64
	// Values are what it is about besides its group: the new values, sorted, at
	// most MaxValues, or the journey of a traveller.
	Values []string
	// Silence is what it is about where its group fell silent, or where something
	// did not follow: of the latest time that this happened. Nil: neither did.
	Silence *Silence
	// Lowered says that the events it was opened by come from a staging, test or dev
	// environment.
	Lowered bool
	// EventTags are the tags that all its matching events have, sorted.
	EventTags []string
	// Samples are some of its events, as the JSON array that the API shows.
	Samples string
}

// Silence is a time without the events that a rule waited for.
type Silence struct {
	// Since is the time of the group's last event before it.
	Since Millis `json:"since"`
	// Until is when the group was heard again; 0: not yet, or not asked.
	Until Millis `json:"until,omitempty"`
	// Group is the full group that was silent.
	Group []string `json:"group,omitempty"`
	// Absence says that events of the group went on, without the one that was to
	// follow.
	Absence bool `json:"absence,omitempty"`
}

// Equal reports whether both say the same; nil equals nil only.
func (s *Silence) Equal(other *Silence) bool {
	if s == nil || other == nil {
		return s == other
	}
	return s.Since == other.Since && s.Until == other.Until && s.Absence == other.Absence && slices.Equal(s.Group, other.Group)
}

// MaxSilence is how long after a group fell silent it is still told when it was
// heard again.
const MaxSilence = Millis(7 * 24 * 3600 * 1000)

// Ends is the event time after which no event can change the signal any more, but
// for one that its keep alive lets extend it.
func (s *Signal) Ends() Millis {
	switch q := s.Silence; {
	case q == nil || q.Absence:
		return s.LastSeen
	case q.Until == 0:
		return max(s.LastSeen, q.Since+MaxSilence)
	default:
		return max(s.LastSeen, q.Until)
	}
}

// Text is the form that is stored: JSON, or empty where there is none.
func (s *Silence) Text() string {
	if s == nil {
		return ""
	}
	text, _ := json.Marshal(s) // plain values: cannot fail
	return string(text)
}

// ParseSilence reads the form that is stored.
func ParseSilence(text string) (*Silence, error) {
	if text == "" {
		return nil, nil
	}
	s := new(Silence)
	if err := json.Unmarshal([]byte(text), s); err != nil {
		return nil, fmt.Errorf("silence: %w", err)
	}
	return s, nil
}

// IsLesserEnvironment reports whether the tags name a staging, test or dev
// environment.
func IsLesserEnvironment(tags []string) bool {
	for _, t := range tags {
		env, ok := strings.CutPrefix(t, "env:")
		if ok && (strings.HasPrefix(env, "staging") || strings.HasPrefix(env, "test") || strings.HasPrefix(env, "dev")) {
			return true
		}
	}
	return false
}

// States of a signal and the engine's own reasons for archiving one.
const (
	StateOpen        = "open"
	StateUnderReview = "under_review"
	StateArchived    = "archived"
	// StateSuppressed is shown of a signal with ReasonSuppressed.
	StateSuppressed = "suppressed"
	ReasonMerged    = "merged"
	ReasonRetracted = "retracted"
	// ReasonSuppressed is that of a signal which a suppression withholds. Unlike
	// the others it is part of what the rule found.
	ReasonSuppressed = "suppressed"
)

// MaxValues is how many new values a signal lists.
const MaxValues = 1000

// SignalID is the id of a signal of this rule, case and group that was first
// published with this first_seen. The salt is 0 unless another signal has that
// id already, which late events can bring about.
func SignalID(ruleKey string, caseIndex int, group []string, first Millis, salt int) string {
	h := sha256.New()
	put := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	number := func(n int64) {
		var b [8]byte
		binary.BigEndian.PutUint64(b[:], uint64(n))
		h.Write(b[:])
	}
	put(ruleKey)
	number(int64(caseIndex))
	for _, g := range group {
		put(g)
	}
	number(int64(first))
	number(int64(salt))
	id := base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:18])
	if id[0] == '-' {
		id = dashed + id
	}
	return id
}

// FormerSignalID is what SignalID makes of the same signal where ids began with
// a dash, which is a flag to every command: "" where it never did. Signals that
// were published under one keep it.
func FormerSignalID(id string) string {
	if former, ok := strings.CutPrefix(id, dashed); ok && strings.HasPrefix(former, "-") {
		return former
	}
	return ""
}

// dashed goes before what would begin with a dash.
const dashed = "s"

// EngineReasons are the engine's own reasons, in the order of their names.
var EngineReasons = []string{ReasonMerged, ReasonRetracted, ReasonSuppressed}

// SetStanding is the inverse of Standing: what the engine made of a signal that
// is stored with this state and reason. An analyst's is in the triage.
func (s *Signal) SetStanding(_, reason string) {
	s.State, s.Reason = StateOpen, ""
	if slices.Contains(EngineReasons, reason) {
		s.State, s.Reason = StateArchived, reason
	}
}

// Gone tells whether the engine withdrew the signal: it was merged into another
// or retracted, and is no part of what the rule found.
func (s *Signal) Gone() bool {
	return s.State == StateArchived && (s.Reason == ReasonMerged || s.Reason == ReasonRetracted)
}
