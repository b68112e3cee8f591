package retention

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"nightjar/objects"
	"nightjar/schema"
)

// Settings are what an administrator says of how long what is kept, in place of what the
// engine was started with. What is empty is as it was started.
type Settings struct {
	// As ParseTerm reads them.
	Events    string `json:"events,omitempty"`
	Signals   string `json:"signals,omitempty"`
	Matches   string `json:"matches,omitempty"`
	Responses string `json:"responses,omitempty"`
	// DiskQuota is as schema.ParseSize reads it, or "none".
	DiskQuota string `json:"disk_quota,omitempty"`
	// By is who said so last.
	By string `json:"by,omitempty"`
}

// NoQuota is a DiskQuota that bounds nothing.
const NoQuota = "none"

// QuotaName is what the disk quota is called beside Terms.
const QuotaName = "disk_quota"

// term is the setting of this name.
func (s *Settings) term(name string) *string {
	switch name {
	case schema.Events.Name:
		return &s.Events
	case schema.Signals.Name:
		return &s.Signals
	case schema.Matches.Name:
		return &s.Matches
	default:
		return &s.Responses
	}
}

// In is the policy that holds where the engine was started with another one. What can't be
// meant is a *schema.InvalidError, which names the setting.
func (s Settings) In(started Policy) (Policy, error) {
	var bad schema.InvalidError
	out := started
	for _, name := range Terms {
		text := strings.TrimSpace(*s.term(name))
		if text == "" {
			continue
		}
		keep, err := ParseTerm(text)
		if err != nil {
			bad.Add(name, name+": "+err.Error())
		}
		*out.term(name) = keep
	}
	switch text := strings.TrimSpace(s.DiskQuota); {
	case text == "":
	case text == NoQuota:
		out.DiskQuota = 0
	default:
		n, err := schema.ParseSize(text)
		if err == nil && n < leastQuota {
			err = fmt.Errorf("%q is less than the %s that an engine takes in any case; write %s for no quota", text, humanize.IBytes(leastQuota), NoQuota)
		}
		if err != nil {
			bad.Add(QuotaName, QuotaName+": "+err.Error())
		}
		out.DiskQuota = n
	}
	return out, bad.Err()
}

// leastQuota is what a quota is at least: the day that is written, rules and the log of the
// intake need room.
const leastQuota = 64 << 20

// SettingsOf are those that say what a policy says.
func SettingsOf(p Policy) Settings {
	out := Settings{DiskQuota: NoQuota}
	for _, name := range Terms {
		*out.term(name) = FormatTerm(p.Term(name))
	}
	if p.DiskQuota > 0 {
		out.DiskQuota = formatQuota(p.DiskQuota)
	}
	return out
}

// formatQuota writes a size that ParseSize reads as the same.
func formatQuota(n int64) string {
	for _, text := range []string{humanize.IBytes(uint64(n)), humanize.Bytes(uint64(n))} {
		text = strings.ReplaceAll(text, " ", "")
		if back, err := schema.ParseSize(text); err == nil && back == n {
			return text
		}
	}
	return fmt.Sprint(n)
}

// Only is the one that there is, of the object's id too.
const only = "retention"

// Kept are the settings as they are stored, with every version of them.
type Kept struct{ store *objects.Store[Settings] }

// NewKept makes a Kept; changed is called when other settings hold. Load must return before
// anything else is asked of it.
func NewKept(table objects.Table, now func() time.Time, changed func()) *Kept {
	return &Kept{objects.New(objects.Kind[Settings]{
		Name: only, NewID: func() string { return only },
		BuiltIn: []objects.Versioned[Settings]{{ID: only}},
		Check: func(s *Settings) error {
			_, err := s.In(Policy{})
			return err
		},
		Enforce: func(objects.Versioned[Settings]) { changed() },
	}, table, now)}
}

// Load reads what is stored.
func (k *Kept) Load(ctx context.Context) error { return k.store.Load(ctx) }

// Now are the settings that hold.
func (k *Kept) Now() objects.Versioned[Settings] {
	v, _ := k.store.Get(context.Background(), only) // built in: it is there
	return v
}

// Set has others hold. Where they were changed since ifVersion, unless that is 0, it is a
// *schema.ConflictError.
func (k *Kept) Set(ctx context.Context, to Settings, ifVersion int64) (objects.Versioned[Settings], error) {
	return k.store.Update(ctx, only, ifVersion, func(s *Settings) error { *s = to; return nil })
}
