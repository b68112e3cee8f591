package operations

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/dustin/go-humanize"

	"nightjar/api"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// Retainer changes how long what is kept. engine joins it to package retention.
type Retainer interface {
	Retention() Retention
	// WouldRetain is what would come of other settings at once. What can't be meant is a
	// *schema.InvalidError, of which each detail names a setting.
	WouldRetain(ctx context.Context, settings Keeping) (RetentionChange, error)
	// Retain has others hold. Where they were changed since ifVersion, unless that is 0, it
	// is a *schema.ConflictError.
	Retain(ctx context.Context, settings Keeping, by string, ifVersion int64) (Retention, error)
}

// Keeping says how long what is kept, as people write it; empty: as the engine was started.
type Keeping struct{ Events, Signals, Matches, Responses, DiskQuota string }

// Retention is how long what is kept.
type Retention struct {
	Set, Started, InForce Keeping
	Version               int64
	By                    string        // empty: nobody changed it
	At                    schema.Millis // 0: so too
}

// RetentionChange is what would come of other settings at once.
type RetentionChange struct {
	InForce   Keeping
	Goes      []Letting // At is now
	Used      int64     // bytes that are left of what the quota covers
	OverQuota bool
}

// GetRetention says how long what is kept.
func (s *StatusService) GetRetention(context.Context, *pb.GetRetentionRequest) (*pb.Retention, error) {
	return retentionOf(s.Retention.Retention()), nil
}

func retentionOf(r Retention) *pb.Retention {
	out := &pb.Retention{Settings: keepingOf(r.Set), Started: keepingOf(r.Started), InForce: keepingOf(r.InForce), Version: r.Version, By: r.By}
	if r.At != 0 {
		out.At = r.At.String()
	}
	return out
}

func keepingOf(k Keeping) *pb.RetentionSettings {
	return &pb.RetentionSettings{Events: k.Events, Signals: k.Signals, Matches: k.Matches, Responses: k.Responses, DiskQuota: k.DiskQuota}
}

// asked are settings as a caller sent them.
func asked(in *pb.RetentionSettings) (Keeping, error) {
	if in == nil {
		return Keeping{}, api.BadRequest("settings", "want how long what is kept, such as {\"events\": \"90d\"}; {} is as the engine was started")
	}
	return Keeping{
		Events: strings.TrimSpace(in.GetEvents()), Signals: strings.TrimSpace(in.GetSignals()), Matches: strings.TrimSpace(in.GetMatches()),
		Responses: strings.TrimSpace(in.GetResponses()), DiskQuota: strings.TrimSpace(in.GetDiskQuota()),
	}, nil
}

// wouldRetain are the settings that a caller sent, and what they would let go of.
func (s *StatusService) wouldRetain(ctx context.Context, in *pb.RetentionSettings) (settings Keeping, change RetentionChange, err error) {
	if settings, err = asked(in); err != nil {
		return settings, change, err
	}
	change, err = s.Retention.WouldRetain(ctx, settings)
	return settings, change, err
}

// PreviewRetention says what other settings would let go of at once.
func (s *StatusService) PreviewRetention(ctx context.Context, in *pb.PreviewRetentionRequest) (*pb.RetentionChange, error) {
	settings, change, err := s.wouldRetain(ctx, in.GetSettings())
	if err != nil {
		return nil, err
	}
	return &pb.RetentionChange{
		InForce: keepingOf(change.InForce), LetsGo: byTable(change.Goes), UsedBytes: uint64(change.Used), OverQuota: change.OverQuota,
		Confirm: confirmOf(settings, change.Goes),
	}, nil
}

// UpdateRetention has other settings hold.
func (s *StatusService) UpdateRetention(ctx context.Context, in *pb.UpdateRetentionRequest) (*pb.Retention, error) {
	settings, change, err := s.wouldRetain(ctx, in.GetSettings())
	if err != nil {
		return nil, err
	}
	switch want := confirmOf(settings, change.Goes); {
	case want == "" || in.GetConfirm() == want:
	case in.GetConfirm() == "":
		return nil, api.BadRequest("confirm", "this deletes %s for good: look at it with POST /api/nightjar/v1/retention:preview, and send the confirm that it answers", inWords(change.Goes))
	default:
		return nil, api.BadRequest("confirm", "what it deletes is not what the preview said any more: now %s. Look again", inWords(change.Goes))
	}
	r, err := s.Retention.Retain(ctx, settings, api.AuthorOf(ctx), in.GetVersion())
	if err != nil {
		return nil, err
	}
	return retentionOf(r), nil
}

// confirmOf stands for settings and what they let go of: the days and months one by one, and
// of what goes row by row, whose number changes with the clock, that it does. Empty: nothing.
func confirmOf(settings Keeping, goes []Letting) string {
	if len(goes) == 0 {
		return ""
	}
	sum := sha256.New()
	fmt.Fprintf(sum, "%q", settings)
	for _, l := range goes {
		what := l.What
		if l.Bytes == 0 {
			what = ""
		}
		fmt.Fprintf(sum, "%q%q", l.Table, what)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// byTable sums up what goes of each table for each reason, in the order in which they come.
func byTable(goes []Letting) (out []*pb.RetentionLetting) {
	for _, l := range goes {
		at := slices.IndexFunc(out, func(o *pb.RetentionLetting) bool { return o.Table == l.Table && o.Reason == l.Reason })
		if at < 0 {
			at = len(out)
			out = append(out, &pb.RetentionLetting{Table: l.Table, Reason: l.Reason})
		}
		o := out[at]
		o.Rows, o.Bytes, o.Unevaluated = o.Rows+uint64(l.Rows), o.Bytes+uint64(l.Bytes), o.Unevaluated+uint64(l.Unevaluated)
		if l.Bytes == 0 { // row by row
			continue
		}
		o.Partitions++
		if o.First == "" || l.What < o.First {
			o.First = l.What
		}
		o.Last = max(o.Last, l.What)
	}
	return out
}

// inWords says what goes: 12 days of events (1,234 events, 3.2 GB) and 7 signals.
func inWords(goes []Letting) string {
	var words []string
	for _, o := range byTable(goes) {
		text := fmt.Sprintf("%s rows of %s", humanize.Comma(int64(o.Rows)), o.Table)
		if o.Partitions > 0 {
			text += fmt.Sprintf(" (%s to %s, %s)", o.First, o.Last, humanize.Bytes(o.Bytes))
		}
		words = append(words, text)
	}
	return strings.Join(words, ", ")
}
