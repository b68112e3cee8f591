package engine

import (
	"encoding/json"
	"errors"
	"net/http"
	"path/filepath"
	"time"

	"go.uber.org/fx"

	"nightjar/api/access"
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
		run := backup.Run{By: access.Of(r.Context()).Name, Begun: now().UTC()}
		note := func(err error) {
			if err != nil {
				run.Error = err.Error()
			}
			if err := e.diary.Note(run); err != nil {
				log.Error("what became of a backup is not written down", "error", err)
			}
		}
		note(nil)
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
			note(err)
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
		m := p.Manifest()
		run.Name, run.Events = m.Name, m.Tables["events"]
		w.Header().Set("Content-Type", "application/x-tar")
		counted := &backup.Counter{Writer: w}
		err = p.Write(counted)
		run.Bytes, run.Ended = counted.Bytes, now().UTC()
		note(err)
		if err != nil {
			log.Error("backup was cut off", "error", err)
			panic(http.ErrAbortHandler)
		}
		log.Info("backup written", "name", m.Name, "events", m.Tables["events"], "through", m.Through)
	})
}

func newBackups(lc fx.Lifecycle, e *engine, d *database, intake *ingest.Intake) *backup.Source {
	s := &backup.Source{Conn: d.conn, Database: d.name, Intake: intake, Destination: e.config.BackupTo, Version: e.config.Version}
	if d.embedded != nil {
		s.Folder, s.Destination = clickhouse.BackupsFolder(e.config.DataDir), ""
	}
	lc.Append(fx.StartHook(s.Clear))
	diary, err := backup.OpenDiary(filepath.Join(e.config.DataDir, "backups.json"))
	if err != nil {
		e.log.Error("the record of backups can't be read; a new one is begun", "error", err)
	}
	e.backups, e.diary = s, diary
	return s
}
