package clienttest

import (
	"net/http"
	"slices"
	"testing"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV1"
)

// TestPipelinesLiveTheirLife has the pipelines API as the reference's client, on which
// its Terraform provider stands, uses it: every pipeline that ships can be read, one of
// the user's own is made, changed, put into another place and deleted, and one that is
// not there is told by the status that the provider knows.
func TestPipelinesLiveTheirLife(t *testing.T) {
	e := start(t)
	api := datadogV1.NewLogsPipelinesApi(e.APIClient)
	shipped := ok[[]datadogV1.LogsPipeline](t)(api.ListLogsPipelines(e.ctx))
	if len(shipped) < 20 {
		t.Errorf("%d pipelines ship", len(shipped))
	}
	for _, p := range shipped {
		if !p.GetIsReadOnly() || p.UnparsedObject != nil {
			t.Errorf("%s: read-only %v, not read: %v", p.GetName(), p.GetIsReadOnly(), p.UnparsedObject)
		}
		for i, x := range p.Processors {
			if x.UnparsedObject != nil {
				t.Errorf("%s: processor %d is not read: %v", p.GetName(), i, x.UnparsedObject)
			}
		}
	}
	made := ok[datadogV1.LogsPipeline](t)(api.CreateLogsPipeline(e.ctx, from[datadogV1.LogsPipeline](t, `{"name":"mine","is_enabled":true,"filter":{"query":"source:app"},
		"processors":[{"type":"grok-parser","name":"g","is_enabled":true,"source":"message","samples":["a b"],"grok":{"support_rules":"","match_rules":"r %{word:x} %{word:y}"}},
		{"type":"pipeline","name":"inner","is_enabled":true,"filter":{"query":"@x:a"},"processors":[{"type":"status-remapper","sources":["y"]}]}]}`)))
	id := made.GetId()
	if id == "" || len(made.Processors) != 2 || made.GetIsReadOnly() {
		t.Fatalf("made %v", made)
	}
	made.SetName("renamed")
	if p := ok[datadogV1.LogsPipeline](t)(api.UpdateLogsPipeline(e.ctx, id, made)); p.GetName() != "renamed" || p.GetId() != id {
		t.Errorf("updated %v", p)
	}
	order := ok[datadogV1.LogsPipelinesOrder](t)(api.GetLogsPipelineOrder(e.ctx))
	if n := len(order.PipelineIds); n != len(shipped)+1 || order.PipelineIds[n-1] != id {
		t.Errorf("order %v", order)
	}
	turned := append([]string{id}, slices.DeleteFunc(slices.Clone(order.PipelineIds), func(x string) bool { return x == id })...)
	if got := ok[datadogV1.LogsPipelinesOrder](t)(api.UpdateLogsPipelineOrder(e.ctx, *datadogV1.NewLogsPipelinesOrder(turned))); !slices.Equal(got.PipelineIds, turned) {
		t.Errorf("order %v", got)
	}
	fails(t, http.StatusUnprocessableEntity)(api.UpdateLogsPipelineOrder(e.ctx, *datadogV1.NewLogsPipelinesOrder([]string{id})))

	// As the provider's resource of an integration's pipeline does: read, switch, write.
	nginx := ok[datadogV1.LogsPipeline](t)(api.GetLogsPipeline(e.ctx, "nginx"))
	nginx.SetIsEnabled(false)
	if p := ok[datadogV1.LogsPipeline](t)(api.UpdateLogsPipeline(e.ctx, "nginx", nginx)); p.GetIsEnabled() {
		t.Error("a pipeline that ships was not disabled")
	}
	nginx.SetName("other")
	fails(t, http.StatusBadRequest)(api.UpdateLogsPipeline(e.ctx, "nginx", nginx))

	if r, err := api.DeleteLogsPipeline(e.ctx, id); err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("deleted: %v, %v", r, err)
	}
	fails(t, http.StatusBadRequest)(api.GetLogsPipeline(e.ctx, id))
}
