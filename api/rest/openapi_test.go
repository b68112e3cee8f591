package rest

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// The openapi document resolves, and knows every binding.
func TestOpenAPIIsComplete(t *testing.T) {
	h, err := New(Deps{
		Register: func(context.Context, *runtime.ServeMux) error { return nil }, Metrics: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
		Address: "127.0.0.1:0", Version: "test", Uploads: http.NotFoundHandler(), Raw: map[string]http.Handler{"POST /raw": http.NotFoundHandler()},
	})
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) string {
		answer := httptest.NewRecorder()
		h.ServeHTTP(answer, httptest.NewRequest("GET", "http://localhost"+path, nil))
		return answer.Body.String()
	}
	text := get("/openapi.json")
	var doc map[string]any
	if err := json.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	schemas := doc["components"].(map[string]any)["schemas"].(map[string]any)
	for _, part := range strings.Split(text, `"$ref":"#/components/schemas/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if schemas[name] == nil {
			t.Errorf("no schema %s", name)
		}
	}
	// Validated as OpenAPI, by a library that reads it.
	parsed, err := openapi3.NewLoader().LoadFromData([]byte(text))
	if err == nil {
		err = parsed.Validate(t.Context())
	}
	if err != nil {
		t.Errorf("it is no OpenAPI document: %v", err)
	}
	all, err := bindings()
	if err != nil {
		t.Fatal(err)
	}
	operations := 0
	for _, p := range doc["paths"].(map[string]any) {
		operations += len(p.(map[string]any))
	}
	if operations != len(all)+1 {
		t.Errorf("%d operations for %d bindings and one raw handler", operations, len(all))
	}
	bound := map[protoreflect.FullName]bool{}
	for _, b := range all {
		bound[b.method.FullName()] = true
	}
	services := 0
	protoregistry.GlobalFiles.RangeFilesByPackage("nightjar.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			services++
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if name := methods.Get(j).FullName(); !bound[name] {
					t.Errorf("%s is not bound to HTTP", name)
				}
			}
		}
		return true
	})
	if services == 0 {
		t.Error("found no services")
	}
	if rule := schemas["Rule"].(map[string]any); !strings.HasPrefix(rule["description"].(string), "Rule is a detection rule") {
		t.Errorf("Rule says %v", rule["description"])
	}
	page := get("/api/reference")
	for _, part := range strings.Split(page, `href="#`)[1:] {
		if name, _, _ := strings.Cut(part, `"`); !strings.Contains(page, `<h3 id="`+name+`">`) {
			t.Errorf("the page leads to %s, which it does not have", name)
		}
	}
	if !strings.Contains(page, "/api/v2/security_monitoring/signals/search") {
		t.Errorf("the page lacks the search: %s", page)
	}
}
