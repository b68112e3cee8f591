package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"strings"

	"nightjar/schema"
)

// Entry is something that was done, or refused.
type Entry struct {
	At schema.Millis `json:"at"`
	// Kind is one of access.Noted, or Refusal.
	Kind string `json:"kind"`
	// Action is the method that was called, such as RuleService/CreateRule, or a path.
	Action  string  `json:"action"`
	Outcome Outcome `json:"outcome"`
	// Who: the id and name of a key or person, their role, and the address that the call
	// came from.
	CallerID string `json:"caller_id"`
	Caller   string `json:"caller"`
	Role     string `json:"role"`
	Address  string `json:"address"`
	// Request joins the entries of one call; it is the X-Request-Id of its answer.
	Request string `json:"request"`
	// Object is what the call was about, by its id or name.
	Object string `json:"object"`
	// Detail says more, in words or as a statement of SQL.
	Detail string `json:"detail"`
	// Count is how many alike this stands for.
	Count uint64 `json:"count"`
}

// Refusal is the kind of entries of calls that were refused.
const Refusal = "refusal"

// Outcome is how it went.
type Outcome string

// The outcomes. A call that has begun and no other entry was cut short.
const (
	Begun   Outcome = "begun"
	Done    Outcome = "done"
	Failed  Outcome = "failed"
	Refused Outcome = "refused"
)

// Row is an entry in its place in the chain.
type Row struct {
	Seq uint64 `json:"seq"` // 1, 2, 3, …
	Entry
	// Previous is the Hash of the row before; empty in the first.
	Previous string `json:"previous"`
	Hash     string `json:"hash"`
}

// hash is that of everything in the row but itself.
func (r Row) hash() string {
	r.Hash = ""
	text, _ := json.Marshal(r) // texts and numbers: never fails
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// after is the row that an entry becomes behind another.
func (e Entry) after(before Row, seq uint64) Row {
	r := Row{Seq: seq, Entry: e, Previous: before.Hash}
	r.Hash = r.hash()
	return r
}

// maxText is how much of a text is kept, in bytes.
const maxText = 16 << 10

// aKey is what keys that are made here look like. Somebody may write theirs where none
// belongs: into a path that nothing is at, or a statement.
var aKey = regexp.MustCompile(`njk_[0-9a-f]{12,}`)

// clean makes of an entry what can be stored and read back to the byte.
func (e Entry) clean() Entry {
	for _, text := range []*string{&e.Kind, &e.Action, &e.CallerID, &e.Caller, &e.Role, &e.Address, &e.Request, &e.Object, &e.Detail} {
		*text = aKey.ReplaceAllString(*text, "njk_…")
		if len(*text) > maxText {
			*text = (*text)[:maxText] + "…"
		}
		*text = strings.ToValidUTF8(*text, "\uFFFD")
	}
	e.Count = max(e.Count, 1)
	return e
}
