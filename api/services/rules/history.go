package rules

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"nightjar/api"
	"nightjar/api/ruledoc"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

// GetRuleHistory reads the versions of a rule.
func (s *RuleService) GetRuleHistory(ctx context.Context, in *pb.GetRuleHistoryRequest) (*pb.RuleHistoryResponse, error) {
	versions, err := s.Store.RuleVersions(ctx, in.GetRuleId())
	if err != nil {
		return nil, err
	}
	attributes := &pb.RuleHistoryAttributes{Count: int32(len(versions)), Data: map[string]*pb.RuleVersion{}}
	var before map[string]json.RawMessage
	shown, err := historyPage(in.GetPage(), len(versions))
	if err != nil {
		return nil, err
	}
	for i, v := range versions {
		rule, err := ruledoc.Answer(ctx, v, nil, nil)
		if err != nil {
			return nil, err
		}
		text, err := ruledoc.Export(v)
		if err != nil {
			return nil, err
		}
		changes, now, err := changesSince(before, text)
		if err != nil {
			return nil, err
		}
		before = now
		if shown(i) {
			attributes.Data[strconv.FormatInt(v.Version, 10)] = &pb.RuleVersion{Rule: rule, Changes: changes}
		}
	}
	return &pb.RuleHistoryResponse{Data: &pb.RuleHistory{
		Id: in.GetRuleId(), Type: "GetRuleVersionHistoryResponse", Attributes: attributes,
	}}, nil
}

// historyPage tells which of n versions, counted from the oldest, are on the
// page, which counts from the newest.
func historyPage(page *pb.HistoryPage, n int) (func(i int) bool, error) {
	size := int64(max(n, 1))
	if page != nil && page.Size != nil && page.GetSize() != -1 {
		size = page.GetSize()
	}
	if size < 1 {
		return nil, api.BadRequest("page[size]", "want at least 1, got %d", size)
	}
	if page.GetNumber() < 0 {
		return nil, api.BadRequest("page[number]", "want 0 or more, got %d", page.GetNumber())
	}
	return func(i int) bool { return int64(n-1-i)/size == page.GetNumber() }, nil
}

// changesSince says in which fields a document is not the one before, nil for
// none.
func changesSince(before map[string]json.RawMessage, text []byte) (changes []*pb.Change, now map[string]json.RawMessage, err error) {
	if err := json.Unmarshal(text, &now); err != nil {
		return nil, nil, fmt.Errorf("compare versions: %w", err)
	}
	for _, field := range slices.Sorted(maps.Keys(now)) {
		switch old, had := before[field]; {
		case before != nil && !had:
			changes = append(changes, &pb.Change{Field: field, Type: "create", Change: changedTo(now[field])})
		case had && !bytes.Equal(old, now[field]):
			changes = append(changes, &pb.Change{Field: field, Type: "update", Change: changedTo(now[field])})
		}
	}
	for _, field := range slices.Sorted(maps.Keys(before)) {
		if _, has := now[field]; !has {
			changes = append(changes, &pb.Change{Field: field, Type: "delete"})
		}
	}
	return changes, now, nil
}

// changedTo is a value as text: a string as it is, everything else as JSON.
func changedTo(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	var out bytes.Buffer
	if json.Compact(&out, raw) != nil {
		return string(raw)
	}
	return out.String()
}

// RestoreRule makes an earlier version the next one.
func (s *RuleService) RestoreRule(ctx context.Context, in *pb.RestoreRuleRequest) (*pb.Rule, error) {
	versions, err := s.Store.RuleVersions(ctx, in.GetRuleId())
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(versions, func(r schema.Rule) bool { return r.Version == in.GetVersion() })
	switch {
	case i < 0:
		return nil, &api.Error{Code: api.CodeNotFound, Message: fmt.Sprintf("Cannot restore: rule %s has no version %d.", in.GetRuleId(), in.GetVersion())}
	case i == len(versions)-1:
		return nil, &api.Error{Code: api.CodeAlreadyExists, Message: "Cannot restore: target version is the current version."}
	}
	stored, err := s.Store.UpdateRule(ctx, in.GetRuleId(), 0, func(r *schema.Rule) error {
		*r = versions[i]
		return nil
	})
	return ruledoc.Answer(ctx, stored.Rule(), stored.Warnings, err)
}
