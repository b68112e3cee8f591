package clienttest

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV2"
)

// A job over what is stored, to its results and its end.
func TestHistoricalJobsLiveTheirLife(t *testing.T) {
	e := start(t)
	api, logs := datadogV2.NewSecurityMonitoringApi(e.APIClient), datadogV2.NewLogsApi(e.APIClient)
	before := time.Now().Add(-time.Minute).UnixMilli()
	if _, _, err := logs.SubmitLog(e.ctx, from[[]datadogV2.HTTPLogItem](t, `[{"ddsource":"sshd","message":"m","usr":{"name":"root"}}]`)); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if list := ok[datadogV2.LogsListResponse](t)(logs.ListLogsGet(e.ctx)); len(list.Data) == 1 {
			break
		}
	}
	job := from[datadogV2.RunHistoricalJobRequest](t, fmt.Sprintf(`{"data":{"type":"historicalDetectionsJobCreate","attributes":{"jobDefinition":{
		"name":"j","message":"m","index":"main","type":"log_detection","from":%d,"to":%d,
		"queries":[{"name":"a","query":"source:sshd","aggregation":"count","groupByFields":["@usr.name"]}],"cases":[{"name":"c","status":"low","condition":"a > 0"}],
		"options":{"evaluationWindow":300,"keepAlive":3600,"maxSignalDuration":86400}}}}}`, before, time.Now().Add(time.Minute).UnixMilli()))
	id := *ok[datadogV2.JobCreateResponse](t)(api.RunHistoricalJob(e.ctx, job)).Data.Id
	var status string
	for end := time.Now().Add(time.Minute); status != "completed" && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		status = ok[datadogV2.HistoricalJobResponse](t)(api.GetHistoricalJob(e.ctx, id)).Data.Attributes.GetJobStatus()
	}
	if status != "completed" {
		t.Errorf("the job is %s", status)
	}
	ok[datadogV2.ListHistoricalJobsResponse](t)(api.ListHistoricalJobs(e.ctx))
	found := ok[datadogV2.SecurityMonitoringSignalsListResponse](t)(api.GetSecurityMonitoringHistsignalsByJobId(e.ctx, id))
	if len(found.Data) != 1 {
		t.Fatalf("found %v", found)
	}
	ok[datadogV2.SecurityMonitoringSignalResponse](t)(api.GetSecurityMonitoringHistsignal(e.ctx, *found.Data[0].Id))
	ok[datadogV2.SecurityMonitoringSignalsListResponse](t)(api.SearchSecurityMonitoringHistsignals(e.ctx))
	done(t)(api.DeleteHistoricalJob(e.ctx, id))
	fails(t, http.StatusNotFound)(api.GetHistoricalJob(e.ctx, id))
}
