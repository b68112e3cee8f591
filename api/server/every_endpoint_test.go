package server

import (
	"context"
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/dynamicpb"

	"nightjar/api/access"
)

// mayWhat says which roles have a permission. It is written here once more, so that a
// slip in the table of roles is seen.
var mayWhat = map[access.Permission][]access.Role{
	access.Known:              access.Roles,
	access.WriteEvents:        {access.Intake, access.Agent, access.Engineer, access.Admin},
	access.ReadEvents:         {access.Reader, access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.ReadSignals:        {access.Reader, access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.ReadDetection:      {access.Reader, access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.ReadNotifications:  {access.Reader, access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.ReadAgents:         {access.Reader, access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.ReadEngine:         {access.Reader, access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.TriageSignals:      {access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.RunHistory:         {access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.WriteDetection:     {access.Engineer, access.Admin},
	access.WriteNotifications: {access.Engineer, access.Admin},
	access.OperateEngine:      {access.Engineer, access.Admin},
	access.WriteAgents:        {access.Engineer, access.Responder, access.Admin},
	access.EnrollAgents:       {access.Enroll, access.Admin},
	access.SyncAgents:         {access.Agent, access.Admin},
	access.DownloadAgents:     {access.Agent, access.Engineer, access.Responder, access.Admin},
	access.KillProcesses:      {access.Responder, access.Admin},
	access.IsolateHosts:       {access.Responder, access.Admin},
	access.BlockIndicators:    {access.Responder, access.Admin},
	access.CollectProcesses:   {access.Analyst, access.Engineer, access.Responder, access.Admin},
	access.SwitchAgents:       {access.Engineer, access.Responder, access.Admin},
	access.ProfileEngine:      {access.Admin},
	access.MakeBackup:         {access.Admin},
	access.DeleteEvents:       {access.Admin},
	access.ManageKeys:         {access.Admin},
	access.ReadAudit:          {access.Admin},
}

// ours are the methods of all services of ours, from the registry of what is compiled in.
func ours(t *testing.T) (out []protoreflect.MethodDescriptor) {
	t.Helper()
	protoregistry.GlobalFiles.RangeFilesByPackage("nightjar.v1", func(f protoreflect.FileDescriptor) bool {
		for i := range f.Services().Len() {
			for j := range f.Services().Get(i).Methods().Len() {
				out = append(out, f.Services().Get(i).Methods().Get(j))
			}
		}
		return true
	})
	if len(out) < 170 {
		t.Fatalf("found %d methods", len(out))
	}
	return out
}

func fullName(m protoreflect.MethodDescriptor) string {
	return "/" + string(m.Parent().FullName()) + "/" + string(m.Name())
}

// TestEveryEndpointHasARow fails for a new method until somebody says who may call it,
// and for a row that stands for none.
func TestEveryEndpointHasARow(t *testing.T) {
	rows := access.Methods()
	for _, m := range ours(t) {
		if _, ok := rows[fullName(m)]; !ok {
			t.Errorf("%s has no row in api/access/endpoints.go: nobody may call it", fullName(m))
		}
	}
	changes := regexp.MustCompile(`^(Create|Respond|Disarm|Arm|Update|Delete|Upsert|Edit|Bulk|Triage|Restore|Switch|Clone|Retry|Disable|Enable|End|Stop|Set|Rotate|Revoke|Finish|Accept|Cancel|Convert.*Signals|Refresh|Add|Apply|TestNotificationTarget)`)
	for _, m := range ours(t) {
		if e := rows[fullName(m)]; changes.MatchString(string(m.Name())) && (e.Noted == access.Quiet || strings.HasSuffix(string(e.Need), ":read")) {
			t.Errorf("%s changes something; it needs %s and is written down as %q", fullName(m), e.Need, e.Noted)
		}
	}
	if len(rows) != len(ours(t)) {
		t.Errorf("%d rows for %d methods", len(rows), len(ours(t)))
	}
	s := newWorld().start(t)
	for name, service := range s.grpc.GetServiceInfo() {
		for _, m := range service.Methods {
			if _, ok := access.OfMethod("/" + name + "/" + m.Name); !ok {
				t.Errorf("/%s/%s has no row", name, m.Name)
			}
		}
	}
}

// someone is a caller in the walk through the table.
type someone struct {
	name, key string
	role      access.Role // empty: none
}

func (s someone) expects(need access.Permission) int {
	switch {
	case s.key == "":
		return http.StatusUnauthorized
	case s.role == "" || !slices.Contains(mayWhat[need], s.role):
		return http.StatusForbidden
	}
	return 0 // anything else
}

func everybody(t *testing.T, w *world) []someone {
	t.Helper()
	out := []someone{{name: "nobody"}, {name: "a wrong key", key: "wrong"}, {name: "the first key", key: testKey, role: access.Admin}}
	for _, r := range access.Roles {
		_, key, err := w.guard().Keys.Create(t.Context(), access.Key{Name: string(r), Role: r})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, someone{name: string(r), key: key, role: r})
	}
	return out
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)

func TestEveryEndpointWithEveryRole(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	people, conn := everybody(t, w), dial(t, s)

	byRoute := routesOf(t, s)
	seen := map[string]bool{}
	for route, method := range byRoute {
		e, _ := access.OfMethod(method)
		seen[method] = true
		verb, path, _ := strings.Cut(route, " ")
		path = parameter.ReplaceAllString(path, "x")
		for _, p := range people {
			want := p.expects(e.Need)
			if method == "/nightjar.v1.StatusService/ValidateKey" && want == http.StatusUnauthorized {
				want = http.StatusForbidden // as the reference answers
			}
			got, answer := call(t, s, verb, path, "", "DD-API-KEY", p.key)
			checkAnswer(t, "REST "+route, p, got, want, answer)
		}
	}
	for _, m := range ours(t) {
		if !seen[fullName(m)] && fullName(m) != "" {
			t.Errorf("%s has no form in REST", fullName(m))
		}
		e, _ := access.OfMethod(fullName(m))
		for _, p := range people {
			got := http.StatusOK
			err := invoke(t, conn, m, p.key)
			switch status.Code(err) {
			case codes.Unauthenticated:
				got = http.StatusUnauthorized
			case codes.PermissionDenied:
				got = http.StatusForbidden
			case codes.Unimplemented:
				t.Errorf("gRPC %s by %s: %v", fullName(m), p.name, err)
			}
			checkAnswer(t, "gRPC "+fullName(m), p, got, p.expects(e.Need), status.Convert(err).Message())
		}
	}
	for route, need := range map[string]access.Permission{
		"GET /metrics": access.ReadEngine, "POST /api/v2/logs": access.WriteEvents, "GET /nothing": access.Known, "POST /api/nightjar/v1/nothing": access.Known,
	} {
		verb, path, _ := strings.Cut(route, " ")
		for _, p := range people {
			got, answer := call(t, s, verb, path, "", "DD-API-KEY", p.key)
			checkAnswer(t, route, p, got, p.expects(need), answer)
		}
	}
}

// checkAnswer compares statuses; want 0 is any but a refusal.
func checkAnswer(t *testing.T, what string, p someone, got, want int, answer string) {
	t.Helper()
	refused := got == http.StatusUnauthorized || got == http.StatusForbidden
	if want == 0 && refused || want != 0 && got != want {
		t.Errorf("%s by %s: %d, want %d: %s", what, p.name, got, want, answer)
	}
	if p.key != "" && strings.Contains(answer, p.key) {
		t.Errorf("%s by %s: the answer has the key", what, p.name)
	}
}

// routesOf are the methods by their routes, as the served document has them.
func routesOf(t *testing.T, s *Server) map[string]string {
	t.Helper()
	_, text := call(t, s, "GET", "/openapi.json", "")
	var doc struct {
		Paths map[string]map[string]struct {
			Method string `json:"x-nightjar-method"`
		}
	}
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for path, verbs := range doc.Paths {
		for verb, operation := range verbs {
			if operation.Method != "" {
				out[strings.ToUpper(verb)+" "+path] = operation.Method
			}
		}
	}
	if len(out) < 180 {
		t.Fatalf("found %d routes", len(out))
	}
	return out
}

func invoke(t *testing.T, conn *grpc.ClientConn, m protoreflect.MethodDescriptor, key string) error {
	t.Helper()
	ctx := context.Context(t.Context())
	if key != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "dd-api-key", key)
	}
	return conn.Invoke(ctx, fullName(m), dynamicpb.NewMessage(m.Input()), dynamicpb.NewMessage(m.Output()))
}
