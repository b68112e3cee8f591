package elastic

import (
	"fmt"
	"io"
	"net/http"

	"nightjar/schema"
)

const acknowledged = `{"acknowledged":true}`

// shakeHands answers what senders ask before they send: that there is a server of a
// version they know, and that what they would set up is there already.
func (d *Door) shakeHands(w http.ResponseWriter, r *http.Request, at []string) {
	switch r.Method {
	case http.MethodGet:
		if answer := d.known(at); answer != "" {
			_, _ = io.WriteString(w, answer)
			return
		}
	case http.MethodPut, http.MethodPost:
		if answer := setUp(r.Method, at); answer != "" {
			_, _ = io.WriteString(w, answer)
			return
		}
	}
	fail(w, http.StatusNotFound, "resource_not_found_exception", "nightjar takes events by _bulk, and has nothing for "+r.Method+" at this path; searches are at /api/v2/logs/events/search")
}

// known is what there is at a path; empty: nothing.
func (d *Door) known(at []string) string {
	switch at[0] {
	case "":
		return fmt.Sprintf(`{"cluster_name":"nightjar","cluster_uuid":"nightjar","version":{"number":%q,"build_flavor":"default"},"tagline":"You Know, for Search"}`, d.version)
	case "_license", "_xpack":
		return `{"license":{"uid":"nightjar","type":"basic","status":"active"}}`
	case "_data_stream":
		if len(at) > 1 {
			return `{"data_streams":[{"name":` + schema.QuoteJSON(at[1]) + `}]}`
		}
		return `{"data_streams":[]}`
	case "_nodes":
		return `{"nodes":{}}`
	case "_cluster":
		return `{"status":"green"}`
	case "_cat":
		return "1 1 nightjar green\n"
	case "_ilm", "_index_template", "_template", "_component_template", "_alias", "_ingest", "_logstash":
		return "{}"
	}
	return ""
}

// setUp says that something was set up, of which there is nothing to keep.
func setUp(method string, at []string) string {
	switch at[0] {
	case "_ilm", "_index_template", "_template", "_component_template", "_alias", "_aliases", "_data_stream", "_ingest", "_logstash":
		return acknowledged
	case "_monitoring": // how the sender is, which it can tell as logs
		return "{}"
	}
	if len(at) == 1 && method == http.MethodPut && at[0] != "" && at[0][0] != '_' {
		return acknowledged
	}
	return ""
}
