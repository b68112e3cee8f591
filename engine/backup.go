package engine

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"go.uber.org/fx"

	"nightjar/backup"
	"nightjar/clickhouse"
	"nightjar/ingest"
)

// BackupPath is where an engine hands out a backup of itself.
const BackupPath = "/api/nightjar/v1/backup"

// backupHandler answers with a backup. It is made before the first byte is sent,
// so that what goes wrong has a status; what breaks later breaks the stream.
func (e *engine) backupHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log := e.log
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{}) // it may be large
		p, err := e.backups.Prepare(r.Context(), now())
		if err != nil {
			status := http.StatusInternalServerError
			var waiting *ingest.NotStoredError
			switch {
			case errors.As(err, &waiting):
				status = http.StatusServiceUnavailable
			case errors.Is(err, backup.ErrBusy):
				status = http.StatusConflict
			case errors.Is(err, backup.ErrNowhere):
				status = http.StatusBadRequest
			}
			log.Error("backup failed", "error", err)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_ = json.NewEncoder(w).Encode(map[string]any{"errors": []string{err.Error()}}) // the caller has gone
			return
		}
		defer func() {
			if err := p.Close(); err != nil {
				log.Error("after a backup", "error", err)
			}
		}()
		w.Header().Set("Content-Type", "application/x-tar")
		if err := p.Write(w); err != nil {
			log.Error("backup was cut off", "error", err)
			panic(http.ErrAbortHandler)
		}
		m := p.Manifest()
		log.Info("backup written", "name", m.Name, "events", m.Tables["events"], "through", m.Through)
	})
}

func newBackups(lc fx.Lifecycle, e *engine, d *database, intake *ingest.Intake) *backup.Source {
	s := &backup.Source{Conn: d.conn, Database: d.name, Intake: intake, Destination: e.config.BackupTo, Version: e.config.Version}
	if d.embedded != nil {
		s.Folder, s.Destination = clickhouse.BackupsFolder(e.config.DataDir), ""
	}
	lc.Append(fx.StartHook(s.Clear))
	e.backups = s
	return s
}
