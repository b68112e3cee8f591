package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.uber.org/fx"

	"nightjar/api"
	"nightjar/ingest"
	"nightjar/ingest/geoip"
	"nightjar/ingest/times"
)

const geoipHelp = "GeoIP database (.mmdb) that says where @network.client.ip is; may be given several times, the first counts most"

// geoipEvery is how often the files are looked at.
const geoipEvery = 5 * time.Second

// newGeoIP opens the databases, and reads them anew when they change or on
// SIGHUP. It is nil when there are none.
func newGeoIP(lc fx.Lifecycle, e *engine) (*geoip.Databases, error) {
	if len(e.config.GeoIP) == 0 {
		return nil, nil
	}
	d, err := geoip.Open(e.config.DataDir, e.config.GeoIP...)
	if err != nil {
		return nil, err
	}
	for _, db := range d.List() {
		e.log.Info("events are located", "by", db.Path, "type", db.Type, "built", time.Unix(int64(db.BuildEpoch), 0).UTC().Format(time.DateOnly))
	}
	told := func(err error) {
		if err != nil {
			e.log.Error("a GeoIP database that changed cannot be used; events are located by the one before", "error", err)
			return
		}
		e.log.Info("GeoIP databases read anew")
	}
	e.run(lc, "GeoIP databases", func(ctx context.Context) error {
		hangup := make(chan os.Signal, 1)
		signal.Notify(hangup, syscall.SIGHUP)
		defer signal.Stop(hangup)
		go d.Watch(ctx, geoipEvery, told)
		for {
			select {
			case <-ctx.Done():
				return nil
			case <-hangup:
				told(d.Reload())
			}
		}
	})
	return d, nil
}

// locator is the databases as the intake wants them; nil when there are none.
func locator(d *geoip.Databases) ingest.Locator {
	if d == nil {
		return nil
	}
	return d
}

func describeGeoIP(d *geoip.Databases) []api.GeoIP {
	if d == nil {
		return nil
	}
	var out []api.GeoIP
	for _, db := range d.List() {
		out = append(out, api.GeoIP{File: db.Path, Type: db.Type, Built: time.Unix(int64(db.BuildEpoch), 0), Attribution: db.Attribution})
	}
	return out
}

// addGeoIP adds --geoip to a command that reads events from files.
func addGeoIP(flags *pflag.FlagSet, into *[]string) {
	flags.StringArrayVar(into, "geoip", nil, geoipHelp)
}

// readingFlags say how files of events are read, as those of ingest do.
type readingFlags struct {
	source, zone string
	year         int
	geoip        []string
	pipelines    string // their folder
}

func (r *readingFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&r.source, "source", "", "what wrote the raw lines of the file, such as sshd; it also stands in where an event names no source")
	flags.IntVar(&r.year, "year", 0, "year of times that have none (default: the newest that is not in the future)")
	flags.StringVar(&r.zone, "tz", "", "time zone of times that have none, such as Europe/Paris (default: UTC)")
	addGeoIP(flags, &r.geoip)
	addPipelines(flags, &r.pipelines)
}

func (r *readingFlags) given() bool {
	return r.source != "" || r.zone != "" || r.year != 0 || len(r.geoip) > 0 || r.pipelines != ""
}

// decoder reads events of files so.
func (r *readingFlags) decoder(c *cobra.Command) (*ingest.Decoder, error) {
	var zone *time.Location
	if r.zone != "" {
		var err error
		if zone, err = times.ParseZone(r.zone); err != nil {
			return nil, &usageError{c.CommandPath(), fmt.Errorf("--tz: %w", err)}
		}
	}
	locator, err := openGeoIP(r.geoip)
	if err != nil {
		return nil, err
	}
	pipelines, err := offlinePipelines(r.pipelines, locator)
	if err != nil {
		return nil, err
	}
	d := ingest.NewOffline(now(), locator, pipelines)
	d.Source, d.Year, d.Zone = r.source, r.year, zone
	return d, nil
}

// openGeoIP opens what --geoip named, and credits its makers.
func openGeoIP(paths []string) (ingest.Locator, error) {
	if len(paths) == 0 {
		return nil, nil
	}
	d, err := geoip.Open(os.TempDir(), paths...)
	if err != nil {
		return nil, err
	}
	for _, credit := range d.Attributions() {
		fmt.Fprintln(os.Stderr, credit)
	}
	return d, nil
}

// mentionsGeoIP tells of a result, as JSON, whether it says where somebody is.
func mentionsGeoIP(result []byte) bool { return bytes.Contains(result, []byte("geoip")) }

// credit shows, below results that say where somebody is, what the makers of
// the engine's databases ask for.
func (c *client) credit(ctx context.Context) {
	var status struct {
		GeoIP []struct{ Attribution string }
	}
	if c.do(ctx, http.MethodGet, "/api/nightjar/v1/status", nil, nil, &status) != nil {
		return // the result is there; that the engine has just gone says nothing about it
	}
	shown := map[string]bool{"": true}
	for _, g := range status.GeoIP {
		if !shown[g.Attribution] {
			fmt.Fprintln(os.Stderr, g.Attribution)
		}
		shown[g.Attribution] = true
	}
}
