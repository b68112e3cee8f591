package server

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"nightjar/api/services/events"
	"nightjar/api/services/signals"
	pb "nightjar/api/v1"
	"nightjar/schema"
)

func worldOfLogs(n int) *world {
	w := newWorld()
	for i := range n {
		a, _ := schema.ParseAttributes(fmt.Sprintf(`{"n":%d,"big":9007199254740993}`, i))
		w.logs = append(w.logs, schema.Event{
			Seq: uint64(100 - i), At: schema.MillisOf(testNow) - schema.Millis(i), Source: "sinatra", Host: "h", Status: "info",
			Message: "- -> /", Tags: []string{"env:prod"}, Attributes: a,
		})
	}
	return w
}

// Every recorded exchange about searching logs gets an answer of its shape.
func TestRecordedLogSearches(t *testing.T) {
	total := 0
	for _, r := range recordings(t) {
		path, _, _ := strings.Cut(r.Path, "?")
		if !strings.HasPrefix(path, "/api/v2/logs/") {
			continue
		}
		total++
		t.Run(fmt.Sprint(r.Scenario, " ", total), func(t *testing.T) {
			want := object(t, r.Resp)
			w := newWorld()
			if data, ok := want["data"].([]any); ok {
				w = worldOfLogs(len(data))
			}
			// Their cursors are theirs.
			body := jsonWithout(t, r.Req, "page", "cursor")
			path, query, _ := strings.Cut(r.Path, "?")
			values, err := url.ParseQuery(query)
			if err != nil {
				t.Fatal(err)
			}
			values.Del("page[cursor]")
			code, answer := call(t, w.start(t), r.Method, path+"?"+values.Encode(), body)
			if code != r.Status {
				t.Fatalf("status %d, want %d: %s", code, r.Status, answer)
			}
			got := shape(object(t, answer))
			for _, place := range shape(want) {
				if !slices.Contains(got, place) && !strings.Contains(place, "attributes.attributes") {
					t.Errorf("%s is missing from %s", place, answer)
				}
			}
			if r.Resp == `{"data":[]}` && answer != r.Resp {
				t.Errorf("got %s, want %s", answer, r.Resp)
			}
		})
	}
	if total != 9 {
		t.Errorf("%d exchanges, want 9", total)
	}
}

func jsonWithout(t *testing.T, text, outer, inner string) string {
	if text == "" {
		return ""
	}
	o := object(t, text)
	if m, ok := o[outer].(map[string]any); ok {
		delete(m, inner)
	}
	return jsonText(o)
}

func TestLogIsShownWithWhatItHas(t *testing.T) {
	w := worldOfLogs(1)
	w.logs = append(w.logs, schema.Event{Seq: 7, At: 0, Attributes: schema.Attributes{JSON: "{}"}})
	_, answer := call(t, w.start(t), "POST", "/api/v2/logs/events/search", "{}")
	for _, want := range []string{
		`"attributes":{"timestamp":"2026-03-01T12:00:00.000Z","status":"info","host":"h","source":"sinatra","message":"- -> /","tags":["env:prod"],"attributes":{"n":0,"big":9007199254740993}}`,
		`"attributes":{"timestamp":"1970-01-01T00:00:00.000Z","tags":[]}`,
		`"type":"log"`, `"status":"done"`, `"request_id":"`,
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("%s is not in %s", want, answer)
		}
	}
}

func TestLogPagesLinkToOneAnother(t *testing.T) {
	w := worldOfLogs(5)
	s := w.start(t)
	path, ids := "/api/v2/logs/events?filter[query]=host:h&filter[from]=now-15m&filter[indexes]=main,web&page[limit]=2&sort=-timestamp", 0
	for pages := 0; ; pages++ {
		code, answer := call(t, s, "GET", path, "")
		if code != 200 || pages > 3 {
			t.Fatalf("page %d: %d %s", pages, code, answer)
		}
		// The range stays where the first page had it, although the clock goes on.
		if want := schema.MillisOf(testNow.Add(-15 * time.Minute)); w.asked.From != want {
			t.Errorf("page %d: from %s, want %s", pages, w.asked.From, want)
		}
		var page struct {
			Data  []struct{ ID string }
			Links struct{ Next string }
			Meta  struct {
				Warnings []struct{ Code, Detail string }
			}
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil {
			t.Fatal(err)
		}
		if w := page.Meta.Warnings; len(w) != 1 || w[0].Code != "unknown_index" || w[0].Detail != "indexes: web" {
			t.Errorf("warnings %v", w)
		}
		ids += len(page.Data)
		if len(page.Data) == 0 {
			break
		}
		next, ok := strings.CutPrefix(page.Links.Next, "http://"+s.HTTPAddr().String())
		if !ok || !strings.Contains(next, url.QueryEscape("filter[query]")+"=host%3Ah") {
			t.Fatalf("link %q", page.Links.Next)
		}
		path = strings.ReplaceAll(next, "now-15m", "now-5m")
	}
	if ids != 5 {
		t.Errorf("%d events on all pages, want 5", ids)
	}
}

func TestLogSearchSaysWhenTheTimeRanOut(t *testing.T) {
	w := worldOfLogs(0)
	w.cut = true
	_, answer := call(t, w.start(t), "POST", "/api/v2/logs/events/search", "{}")
	if !strings.Contains(answer, `"status":"timeout"`) || !strings.Contains(answer, `"code":"timeout"`) {
		t.Errorf("got %s", answer)
	}
}

func TestLogSearchTakesTheFormsOfTime(t *testing.T) {
	w := newWorld()
	s := w.start(t)
	now := schema.MillisOf(testNow)
	for text, want := range map[string]schema.Millis{
		`{}`:                                              now - 900_000,
		`{"filter":{"from":"now-1h"}}`:                    now - 3_600_000,
		`{"filter":{"from":1772366400000}}`:               1_772_366_400_000,
		`{"filter":{"from":"1772366400000"}}`:             1_772_366_400_000,
		`{"filter":{"from":"2026-03-01T11:00:00+01:00"}}`: now - 7_200_000,
		`{"filter":{"from":"now-1d+2h"}}`:                 now - 22*3_600_000,
	} {
		if code, answer := call(t, s, "POST", "/api/v2/logs/events/search", text); code != 200 || w.asked.From != want || w.asked.To != now {
			t.Errorf("%s: %d %s; from %s to %s", text, code, answer, w.asked.From, w.asked.To)
		}
	}
}

func TestMistakesInSearchesArePlaced(t *testing.T) {
	s := worldOfLogs(3).start(t)
	_, signalCursor := "", signals.Cursor{ID: "x"}.String()
	for _, c := range []struct{ path, body, says string }{
		{"events/search", `{"filter":{"query":"host:h\n(b"}}`, "2:"},
		{"events/search", `{"filter":{"query":"rule:[A-Invalid"}}`, "filter.query"},
		{"events/search", `{"filter":{"from":"yesterday"}}`, "filter.from"},
		{"events/search", `{"filter":{"from":"now","to":"now-1h"}}`, "filter.from"},
		{"events/search", `{"page":{"limit":1001}}`, "1 to 1000"},
		{"events/search", `{"page":{"limit":0}}`, "1 to 1000"},
		{"events/search", `{"page":{"cursor":"abc"}}`, "page.cursor"},
		{"events/search", `{"page":{"cursor":"` + signalCursor + `"}}`, "page.cursor"},
		{"events/search", `{"sort":"host"}`, "sort"},
		{"analytics/aggregate", `{"filter":{"query":"a:("}}`, "1:"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"mode"}]}`, "compute[0].aggregation"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"pc0"}]}`, "compute[0].aggregation"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"sum"}]}`, "compute[0].metric"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"sum","metric":"host"}]}`, "compute[0].metric"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"count"},{"aggregation":"cardinality"}]}`, "compute[1].metric"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"count","type":"timeseries","interval":"soon"}]}`, "compute[0].interval"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"count","type":"timeseries","interval":"1ms"}]}`, "points"},
		{"analytics/aggregate", `{"compute":[{"aggregation":"count","type":"sparkline"}]}`, "compute[0].type"},
		{"analytics/aggregate", `{"group_by":[{}]}`, "group_by[0].facet"},
		{"analytics/aggregate", `{"group_by":[{"facet":"host"},{"facet":"hostname"}]}`, "group_by[1].facet"},
		{"analytics/aggregate", `{"group_by":[{"facet":"a","limit":101},{"facet":"b","limit":100}]}`, "group_by[1].limit"},
		{"analytics/aggregate", `{"group_by":[{"facet":"host","sort":{"order":"up"}}]}`, "group_by[0].sort.order"},
		{"analytics/aggregate", `{"group_by":[{"facet":"host","sort":{"aggregation":"sum"}}]}`, "group_by[0].sort.metric"},
		{"analytics/aggregate", `{"group_by":[{"facet":"host","missing":["x"]}]}`, "group_by[0].missing"},
		{"analytics/aggregate", `{"group_by":[{"facet":"@d","histogram":{"interval":1,"min":0,"max":101}}]}`, "group_by[0].histogram"},
		{"analytics/aggregate", `{"group_by":[{"facet":"@d","histogram":{"interval":0,"min":0,"max":1}}]}`, "group_by[0].histogram"},
		{"analytics/aggregate", `{"group_by":{"facet":"@d"}}`, "group_by"},
	} {
		code, answer := call(t, s, "POST", "/api/v2/logs/"+c.path, c.body)
		if code != 400 || !strings.Contains(answer, c.says) {
			t.Errorf("%s: %d %s; want 400 and %q", c.body, code, answer, c.says)
		}
	}
}

func TestAggregationIsReadAndShown(t *testing.T) {
	w := newWorld()
	w.buckets = []events.LogBucket{{By: []string{"GET", "50"}, Values: []any{5.0, nil, []events.LogPoint{{At: 0, Value: 1.5}}}}}
	code, answer := call(t, w.start(t), "POST", "/api/v2/logs/analytics/aggregate", `{
		"filter": {"query": "service:web*", "from": "now-15m", "to": "now", "indexes": ["main"], "storage_tier": "indexes"},
		"compute": [{"aggregation": "count"}, {"aggregation": "pc90", "metric": "@duration"}, {"aggregation": "median", "metric": "@duration", "interval": "5m", "type": "timeseries"}],
		"group_by": [
			{"facet": "@http.method", "missing": 404, "total": true, "limit": 3, "sort": {"aggregation": "max", "metric": "@duration", "order": "asc"}},
			{"facet": "@duration", "histogram": {"interval": 10, "max": 100, "min": 50}, "total": "sum"}],
		"options": {"timezone": "GMT"}}`)
	if want := `{"data":{"buckets":[{"by":`; code != 200 || !strings.HasPrefix(answer, want) {
		t.Fatalf("%d %s", code, answer)
	}
	bucket := object(t, answer)["data"].(map[string]any)["buckets"].([]any)[0]
	if got := jsonText(bucket); got != `{"by":{"@duration":50,"@http.method":"GET"},"computes":{"c0":5,"c2":[{"time":"1970-01-01T00:00:00.000Z","value":1.5}]}}` {
		t.Errorf("got %s", got)
	}
	a := w.counted
	duration := schema.Field{Kind: schema.FieldAttribute, Name: "duration"}
	if c := a.Computes[1]; c != (events.LogCompute{Function: "percentile", Level: 0.9, Metric: duration}) {
		t.Errorf("c1 %+v", c)
	}
	if c := a.Computes[2]; c.Level != 0.5 || c.Interval != 5*time.Minute {
		t.Errorf("c2 %+v", c)
	}
	g := a.Groups[0]
	if *g.Missing != "404" || *g.Total != "$facet_total" || g.Limit != 3 || g.By.Function != "max" || g.Descending {
		t.Errorf("first group %+v", g)
	}
	if g = a.Groups[1]; g.Limit != 10 || g.By.Function != "count" || !g.Descending || *g.Histogram != (events.LogHistogram{Min: 50, Max: 100, Interval: 10}) {
		t.Errorf("second group %+v", g)
	}
}

func TestSearchIsExplained(t *testing.T) {
	code, answer := call(t, newWorld().start(t), "POST", "/api/nightjar/v1/search/explain", `{"filter":{"query":"source:sshd (\"Failed password\" OR @a:>5 OR -team:x*) CIDR(@ip, 10.0.0.0/8) _exists_:@b *:y"}}`)
	if code != 200 {
		t.Fatal(answer)
	}
	o := object(t, answer)
	want := `all of
  source is "sshd"
  any of
    message contains "Failed password"
    attribute a is above "5"
    not
      tag team is like the pattern "x*"
  attribute ip is an address in 10.0.0.0/8
  attribute b exists
  message or any attribute contains "y"
`
	if o["tree"] != want {
		t.Errorf("got\n%s\nwant\n%s", o["tree"], want)
	}
	if o["sql"] == "" || o["params"].(map[string]any)["p0"] != "x" || !strings.Contains(answer, `"granules_after":2`) {
		t.Errorf("got %s", answer)
	}
}

func TestSearchOverGRPC(t *testing.T) {
	s := worldOfLogs(3).start(t)
	client, ctx := pb.NewSearchServiceClient(dial(t, s)), withKey(t.Context())
	page, err := client.SearchLogs(ctx, &pb.SearchLogsRequest{Page: &pb.LogPage{Limit: new(int32(2))}})
	if err != nil || len(page.GetData()) != 2 || page.GetMeta().GetRequestId() == "" {
		t.Fatalf("got %v, %v", page, err)
	}
	page, err = client.SearchLogs(ctx, &pb.SearchLogsRequest{Page: &pb.LogPage{Cursor: page.GetMeta().GetPage().GetAfter()}})
	if err != nil || len(page.GetData()) != 1 {
		t.Errorf("got %v, %v", page, err)
	}
	_, err = client.SearchLogs(ctx, &pb.SearchLogsRequest{Filter: &pb.LogFilter{Query: "a:("}})
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("got %v", err)
	}
}

// TestHintsAreForThoseWhoAskForThem: a program that polls pays nothing for them, and
// gets what the reference answers.
func TestHintsAreForThoseWhoAskForThem(t *testing.T) {
	s := newWorld().start(t)
	for body, hinted := range map[string]bool{
		`{"filter":{"query":"@x:1"}}`:              false,
		`{"filter":{"query":"@x:1"},"hints":true}`: true,
	} {
		code, answer := call(t, s, "POST", "/api/v2/logs/events/search", body)
		if code != 200 || strings.Contains(answer, "No event has @x") != hinted || strings.Contains(answer, "looked for @x:1") != hinted {
			t.Errorf("%s: %d %s", body, code, answer)
		}
	}
}
