package calls

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"nightjar/api/access"
	pb "nightjar/api/v1"
)

// From says of a call where it came from, and by which id its caller knows it.
type From func(ctx context.Context) (address, request string)

// Interceptor lets through the calls that their callers may make, and has them written
// down. Who calls is in the context (access.With).
func Interceptor(g *access.Guard, from From) grpc.UnaryServerInterceptor {
	return func(ctx context.Context, in any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (out any, err error) {
		address, request := from(ctx)
		e, known := access.OfMethod(info.FullMethod)
		k := access.Knock{Action: info.FullMethod, Address: address, Request: request}
		if err := g.Check(k, access.Of(ctx), e, known); err != nil {
			return nil, err
		}
		d := access.Deed{Noted: e.Noted, Action: info.FullMethod, Address: address, Request: request}
		if m, ok := in.(proto.Message); ok && e.Noted != access.Quiet {
			d.Object, d.Detail = objectOf(m), detailOf(m, e.Noted)
		}
		err = g.Do(ctx, d, func() (string, error) {
			out, err = next(ctx, in)
			return madeOf(d.Object, out), err
		})
		return out, err
	}
}

// detailOf is more of what a call says: what is to be done to whom and why, a statement of
// SQL as it is, and of a deletion only a hash of its query, since that may name the person
// whose events are to be gone.
func detailOf(m proto.Message, noted access.Noted) string {
	switch m := m.(type) {
	case *pb.RespondRequest:
		return short(deedOf(m)) + ": " + short(m.GetReason())
	case *pb.SwitchAgentsRequest:
		return short(m.GetReason())
	case *pb.SwitchAgentRequest:
		return short(m.GetReason())
	case *pb.UpdateRuleRequest:
		return short(changedOf(m))
	case *pb.UpdateRetentionRequest:
		return short(settingsOf(m.GetSettings()))
	}
	r := m.ProtoReflect()
	field := r.Descriptor().Fields().ByName("query")
	if field == nil || field.Kind() != stringKind || field.IsList() {
		return ""
	}
	query := r.Get(field).String()
	switch noted {
	case access.SQL:
		return query
	case access.Deletion:
		sum := sha256.Sum256([]byte(query))
		return "SHA-256 of the query: " + hex.EncodeToString(sum[:])
	}
	return ""
}

// changedOf says which parts of a rule are changed, and whether it is switched off or on.
func changedOf(m *pb.UpdateRuleRequest) string {
	var words []string
	for _, path := range m.GetUpdateMask().GetPaths() {
		switch {
		case path != "is_enabled":
			words = append(words, path)
		case m.GetRule().GetIsEnabled():
			words = append([]string{"enabled"}, words...)
		default:
			words = append([]string{"disabled"}, words...)
		}
	}
	return strings.Join(words, ", ")
}

// settingsOf are settings in words: events=30d, disk_quota=50GB.
func settingsOf(s *pb.RetentionSettings) string {
	var words []string
	for _, one := range [][2]string{{"events", s.GetEvents()}, {"signals", s.GetSignals()}, {"matches", s.GetMatches()}, {"responses", s.GetResponses()}, {"disk_quota", s.GetDiskQuota()}} {
		if one[1] != "" {
			words = append(words, one[0]+"="+one[1])
		}
	}
	return cmp.Or(strings.Join(words, ", "), "as the engine was started")
}

// deedOf is what a response is asked to do, as far as its caller says: kill /usr/bin/x[12]
// on web-1.
func deedOf(m *pb.RespondRequest) string {
	words := []string{m.GetAction()}
	if p := m.GetProcess(); p != nil {
		words = append(words, fmt.Sprintf("%s[%d]", p.GetExecutable(), p.GetPid()))
	}
	if on := cmp.Or(m.GetHost(), m.GetAgent()); on != "" {
		words = append(words, "on", on)
	}
	return strings.Join(words, " ")
}

// short is a text as far as there is room for it.
func short(text string) string {
	const most = 500
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
