package server

import (
	"strings"
	"testing"
)

const suppressionsURL = configurationURL + "/suppressions"

func createSuppression(t *testing.T, s *Server, attributes string) (id, answer string) {
	t.Helper()
	status, answer := call(t, s, "POST", suppressionsURL, `{"data":{"type":"suppressions","attributes":`+attributes+`}}`)
	if status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	return idOf(t, answer), answer
}

// null takes a date away; a key that is absent leaves it.
func TestSuppressionsArePatched(t *testing.T) {
	s := newWorld().start(t)
	id, answer := createSuppression(t, s, `{"name":"n","enabled":true,"rule_query":"*","suppression_query":"env:test","start_date":5,"expiration_date":9,"tags":["b","a"]}`)
	if !strings.Contains(answer, `"tags":["a","b"]`) || !strings.Contains(answer, `"data_exclusion_query":""`) {
		t.Errorf("made %s", answer)
	}
	for _, c := range []struct {
		attributes string
		status     int
		want, not  string
	}{
		{`{"expiration_date":null}`, 200, `"start_date":5`, "expiration_date"},
		{`{"name":"m","enabled":false,"version":2}`, 200, `"enabled":false,"rule_query":"*"`, "expiration_date"},
		{`{"tags":["z","c"]}`, 200, `"tags":["c","z"],"version":4`, "expiration_date"},
		{`{"name":"x","version":2}`, 409, "is at version 4, not 2", ""},
		{`{"suppression_query":""}`, 400, "what is suppressed?", ""},
		{`{"data_exclusion_query":"a:("}`, 400, `"errors":["input_validation_error(Field 'data.attributes.data_exclusion_query' is invalid: data exclusion query is invalid)"]`, ""},
	} {
		status, answer := call(t, s, "PATCH", suppressionsURL+"/"+id, `{"data":{"attributes":`+c.attributes+`}}`)
		if status != c.status || !strings.Contains(answer, c.want) || c.not != "" && strings.Contains(answer, c.not) {
			t.Errorf("%s: %d %s", c.attributes, status, answer)
		}
	}
	_, answer = call(t, s, "GET", suppressionsURL+"/"+id+"/version_history", "")
	history := attributesOf(t, answer)
	second := history["data"].(map[string]any)["2"].(map[string]any)
	if history["count"] != 4. || jsonText(second["changes"]) != `[{"change":"","field":"expiration_date","type":"delete"}]` {
		t.Errorf("history: %s", answer)
	}
	if status, _ := call(t, s, "DELETE", suppressionsURL+"/"+id, ""); status != 204 {
		t.Errorf("delete: %d", status)
	}
	if status, answer := call(t, s, "GET", suppressionsURL+"/"+id, ""); status != 404 || !strings.Contains(answer, "not_found(Suppression with ID "+id+" not found)") {
		t.Errorf("after that: %d %s", status, answer)
	}
}

func TestSuppressionsAreSearchedAndPaged(t *testing.T) {
	s := newWorld().start(t)
	for _, name := range []string{"c", "a", "b"} {
		createSuppression(t, s, `{"name":"`+name+`","enabled":`+map[bool]string{true: "true", false: "false"}[name == "a"]+`,"rule_query":"*","suppression_query":"env:test"}`)
	}
	for query, want := range map[string]string{
		"":                             "cab",
		"sort=name":                    "abc",
		"sort=-name":                   "cba",
		"sort=-creation_date":          "bac",
		"sort=-enabled":                "acb",
		"query=name:(a+OR+b)":          "ab",
		"query=enabled:true":           "a",
		"page[size]=2&sort=name":       "ab",
		"page[size]=2&page[number]=1":  "b",
		"page[size]=-1":                "cab",
		"page[size]=2&page[number]=99": "",
	} {
		status, answer := call(t, s, "GET", suppressionsURL+"?"+query, "")
		got := ""
		for _, e := range object(t, answer)["data"].([]any) {
			got += e.(map[string]any)["attributes"].(map[string]any)["name"].(string)
		}
		if status != 200 || got != want {
			t.Errorf("%s: %d %s, want %s", query, status, got, want)
		}
	}
	for _, query := range []string{"sort=size", "page[size]=0", "page[number]=-1", "query=("} {
		if status, answer := call(t, s, "GET", suppressionsURL+"?"+query, ""); status != 400 {
			t.Errorf("%s: %d %s", query, status, answer)
		}
	}
}

func TestSuppressionsOfARuleAreThoseThatSelectIt(t *testing.T) {
	s := newWorld().start(t)
	rule := createRule(t, s, plainRule)["id"].(string)
	mine, _ := createSuppression(t, s, `{"name":"n","enabled":true,"rule_query":"source:sshd","suppression_query":"*"}`)
	createSuppression(t, s, `{"name":"n","enabled":true,"rule_query":"source:other","suppression_query":"*"}`)
	for _, r := range []struct{ method, path, body string }{{"GET", "/rules/" + rule, ""}, {"POST", "/rules", plainRule}} {
		status, answer := call(t, s, r.method, suppressionsURL+r.path, r.body)
		data, _ := object(t, answer)["data"].([]any)
		if status != 200 || len(data) != 1 || data[0].(map[string]any)["id"] != mine {
			t.Errorf("%s: %d %s", r.path, status, answer)
		}
	}
}
