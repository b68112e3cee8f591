package ingest

import (
	"encoding/base64"
	"strings"

	"github.com/valyala/fastjson"
)

// gcpSource is the vendor's name of the source of an entry of Cloud Logging: that of the
// kind of resource which it is about, as in gcp.k8s.cluster.
func gcpSource(m *members) string {
	return gcpNamed(m.value("resource").GetStringBytes("type"))
}

func gcpNamed(kind []byte) string {
	if len(kind) == 0 {
		return "gcp"
	}
	return "gcp." + strings.ReplaceAll(string(kind), "_", ".")
}

// pushedSource is the source of a message that Pub/Sub pushes; empty: it is no entry of
// Cloud Logging.
func pushedSource(m *members) string {
	text, err := base64.StdEncoding.DecodeString(m.text("data"))
	if err != nil {
		return ""
	}
	entry, err := fastjson.ParseBytes(text)
	if err != nil || entry.Get("logName") == nil {
		return ""
	}
	return gcpNamed(entry.GetStringBytes("resource", "type"))
}

// azureSource is the vendor's name of the source of a record of Azure: that of the
// provider of the resource which it is about, as in azure.containerservice.
func azureSource(m *members) string {
	id := strings.ToLower(m.text("resourceId"))
	if id == "" {
		id = strings.ToLower(m.text("resourceUri"))
	}
	if i := strings.LastIndex(id, "/providers/microsoft."); i >= 0 {
		provider, _, _ := strings.Cut(id[i+len("/providers/microsoft."):], "/")
		if provider == "aadiam" {
			provider = "activedirectory"
		}
		return "azure." + provider
	}
	if strings.Contains(id, "/subscriptions/") || strings.HasPrefix(id, "/tenants/") {
		return "azure"
	}
	return ""
}
