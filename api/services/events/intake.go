package events

import (
	"context"
	"encoding/json"
	"fmt"

	"nightjar/api"
	"nightjar/api/codec"
	pb "nightjar/api/v1"
)

// LogService serves LogService.
type LogService struct {
	pb.UnimplementedLogServiceServer
	Intake Intake
}

// batchIDKey is the metadata that carries a batch's id.
const batchIDKey = "nightjar-batch-id"

// SubmitLogs takes a batch in. Its entries become the JSON that REST takes, so
// that a log means one thing by whatever door it came.
func (s *LogService) SubmitLogs(ctx context.Context, in *pb.SubmitLogsRequest) (*pb.SubmitLogsResponse, error) {
	if len(in.GetLogs()) == 0 {
		return nil, api.BadRequest("logs", "empty; want at least one")
	}
	batch := in.GetBatchId()
	if batch == "" {
		batch = api.Metadata(ctx, batchIDKey)
	}
	body := []byte{'['}
	for i, entry := range in.GetLogs() {
		if a := entry.GetAttributesText(); a != "" && (!json.Valid([]byte(a)) || a[0] != '{') {
			return nil, api.BadRequest(fmt.Sprintf("logs[%d].attributes", i), "want a JSON object")
		}
		text, err := codec.Encode(entry)
		if err != nil {
			return nil, api.BadRequest(fmt.Sprintf("logs[%d]", i), "%s", err)
		}
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, text...)
	}
	events, duplicate, warnings, err := s.Intake.SubmitJSON(ctx, batch, append(body, ']'))
	if err != nil {
		return nil, err
	}
	return &pb.SubmitLogsResponse{Events: int64(events), Duplicate: duplicate, Warnings: warnings}, nil
}

// Intake takes logs in. engine joins it to package ingest.
type Intake interface {
	// SubmitJSON takes in a JSON array of logs, and returns when they are on disk;
	// the batch's id may be empty. A refusal that may pass is a *api.BusyError, one of bad
	// input a *schema.InvalidError. Warnings tell of logs that were taken in part.
	SubmitJSON(ctx context.Context, batchID string, body []byte) (events int, duplicate bool, warnings []string, err error)
}
