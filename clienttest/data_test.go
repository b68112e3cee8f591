package clienttest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV2"
)

func TestReferenceTablesLiveTheirLife(t *testing.T) {
	e := start(t)
	api := datadogV2.NewReferenceTablesApi(e.APIClient)
	upload := ok[datadogV2.CreateUploadResponse](t)(api.CreateReferenceTableUpload(e.ctx, from[datadogV2.CreateUploadRequest](t,
		`{"data":{"type":"upload","attributes":{"table_name":"t","headers":["ip","hits"],"part_count":1,"part_size":1000}}}`)))
	req, err := http.NewRequest(http.MethodPut, upload.Data.Attributes.PartUrls[0], strings.NewReader("ip,hits\n10.0.0.1,1\n10.0.0.2,2\n"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp, err)
	}
	resp.Body.Close()
	made := ok[datadogV2.TableResultV2](t)(api.CreateReferenceTable(e.ctx, from[datadogV2.CreateTableRequest](t, `{"data":{"type":"reference_table","attributes":{
		"table_name":"t","source":"LOCAL_FILE","tags":["a:b"],"schema":{"fields":[{"name":"ip","type":"STRING"},{"name":"hits","type":"INT32"}],"primary_keys":["ip"]},
		"file_metadata":{"upload_id":"`+*upload.Data.Id+`"}}}}`)))
	id := *made.Data.Id
	if n := ok[datadogV2.TableResultV2](t)(api.GetTable(e.ctx, id)).Data.Attributes.GetRowCount(); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	if list := ok[datadogV2.TableResultV2Array](t)(api.ListTables(e.ctx, *datadogV2.NewListTablesOptionalParameters().WithFilterTableNameExact("t"))); len(list.Data) != 1 {
		t.Errorf("tables: %v", list)
	}
	done(t)(api.UpsertRows(e.ctx, id, from[datadogV2.BatchUpsertRowsRequestArray](t, `{"data":[{"type":"row","id":"10.0.0.3","attributes":{"values":{"hits":3}}}]}`)))
	if rows := ok[datadogV2.TableRowResourceArray](t)(api.GetRowsByID(e.ctx, id, []string{"10.0.0.3", "x"})); len(rows.Data) != 1 {
		t.Errorf("rows: %v", rows)
	}
	if rows := ok[datadogV2.BatchRowsQueryResponse](t)(api.BatchRowsQuery(e.ctx, from[datadogV2.BatchRowsQueryRequest](t,
		`{"data":{"type":"reference-tables-batch-rows-query","attributes":{"table_id":"`+id+`","row_ids":["10.0.0.1"]}}}`))); len(rows.Included) != 1 {
		t.Errorf("batch: %v", rows)
	}
	done(t)(api.DeleteRows(e.ctx, id, from[datadogV2.BatchDeleteRowsRequestArray](t, `{"data":[{"type":"row","id":"10.0.0.1"}]}`)))
	if rows := ok[datadogV2.ListRowsResponse](t)(api.ListReferenceTableRows(e.ctx, id)); len(rows.Data) != 2 {
		t.Errorf("all rows: %v", rows)
	}
	done(t)(api.UpdateReferenceTable(e.ctx, id, from[datadogV2.PatchTableRequest](t, `{"data":{"type":"reference_table","attributes":{"description":"d"}}}`)))
	done(t)(api.DeleteTable(e.ctx, id))
	fails(t, http.StatusNotFound)(api.GetTable(e.ctx, id))
}

// A log goes in, is found, and gives a signal.
func TestLogsGiveSignals(t *testing.T) {
	e := start(t)
	api, logs := datadogV2.NewSecurityMonitoringApi(e.APIClient), datadogV2.NewLogsApi(e.APIClient)
	ok[datadogV2.SecurityMonitoringRuleResponse](t)(api.CreateSecurityMonitoringRule(e.ctx, from[datadogV2.SecurityMonitoringRuleCreatePayload](t,
		strings.Replace(rule, "a > 5", "a > 0", 1))))
	if _, _, err := logs.SubmitLog(e.ctx, from[[]datadogV2.HTTPLogItem](t,
		`[{"ddsource":"sshd","ddtags":"env:test","hostname":"h","message":"m","service":"s","evt":{"outcome":"failure"},"usr":{"name":"root"}}]`)); err != nil {
		t.Fatal(err)
	}
	var found datadogV2.SecurityMonitoringSignalsListResponse
	for end := time.Now().Add(time.Minute); len(found.Data) == 0 && time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		found = ok[datadogV2.SecurityMonitoringSignalsListResponse](t)(api.ListSecurityMonitoringSignals(e.ctx))
	}
	if len(found.Data) != 1 {
		t.Fatalf("signals: %v", found)
	}
	id := *found.Data[0].Id
	ok[datadogV2.SecurityMonitoringSignalResponse](t)(api.GetSecurityMonitoringSignal(e.ctx, id))
	state := ok[datadogV2.SecurityMonitoringSignalTriageUpdateResponse](t)(api.EditSecurityMonitoringSignalState(e.ctx, id,
		from[datadogV2.SecurityMonitoringSignalStateUpdateRequest](t, `{"data":{"attributes":{"state":"archived","archive_reason":"false_positive"}}}`)))
	if state.Data.Attributes.State != datadogV2.SECURITYMONITORINGSIGNALSTATE_ARCHIVED {
		t.Errorf("state: %v", state)
	}
	if list := ok[datadogV2.LogsListResponse](t)(logs.ListLogs(e.ctx, *datadogV2.NewListLogsOptionalParameters().WithBody(
		from[datadogV2.LogsListRequest](t, `{"filter":{"query":"source:sshd","from":"now-15m","to":"now"}}`)))); len(list.Data) != 1 {
		t.Errorf("logs: %v", list)
	}
	ok[datadogV2.LogsAggregateResponse](t)(logs.AggregateLogs(e.ctx, from[datadogV2.LogsAggregateRequest](t,
		`{"compute":[{"aggregation":"count","type":"total"}],"filter":{"query":"*","from":"now-15m","to":"now"},"group_by":[{"facet":"host"}]}`)))
}
