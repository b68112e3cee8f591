package engine

import (
	"net/http"

	"google.golang.org/grpc"

	"nightjar/api"
	"nightjar/ingest"
	"nightjar/ingest/hec"
	"nightjar/ingest/journal"
	"nightjar/ingest/kubeaudit"
	"nightjar/ingest/loki"
	"nightjar/ingest/otlp"
)

// newDoors are the handlers of the protocols that senders speak, by path, and their
// services over gRPC.
func newDoors(intake *ingest.Intake) (map[string]http.Handler, []func(grpc.ServiceRegistrar)) {
	logs, generic, splunk := ingest.NewHandler(intake), ingest.NewGeneric(intake), hec.New(intake)
	otel, lokis := api.Door(otlp.NewDoor(logs)), api.Door(loki.NewDoor(logs))
	doors := map[string]http.Handler{
		"/api/v2/logs":    logs,
		"/v1/input":       logs,
		"/v1/input/{key}": logs,
		"/ingest":         generic,

		"GET " + ingest.FilesPath: ingest.NewFilesHandler(intake),
		"/ingest/{$}":             generic,
		"POST /{$}":               generic,
		hec.Path:                  splunk,
		hec.Path + "/":            splunk,
		"/v1/logs":                otel,
		"/otlp/v1/logs":           otel, // where senders to Loki's own address look

		"/loki/api/v1/push": lokis,
		"/api/prom/push":    lokis,
		loki.ReadyPath:      lokis,
		"/upload":           api.Door(journal.NewDoor(logs)),
		"/k8s/audit":        api.Door(kubeaudit.NewDoor(logs)),
	}
	return doors, []func(grpc.ServiceRegistrar){
		func(s grpc.ServiceRegistrar) { otlp.Register(s, logs) },
	}
}
