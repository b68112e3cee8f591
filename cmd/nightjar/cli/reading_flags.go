package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"nightjar/content"
	"nightjar/engine"
	"nightjar/ingest"
	"nightjar/ingest/geoip"
	"nightjar/ingest/pipeline"
	"nightjar/ingest/pipeline/registry"
	"nightjar/ingest/times"
)

// addGeoIP adds --geoip to a command that reads events from files.
func addGeoIP(flags *pflag.FlagSet, into *[]string) {
	flags.StringArrayVar(into, "geoip", nil, engine.GeoIPHelp)
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
	d := ingest.NewOffline(engine.Now(), locator, pipelines)
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

// offlinePipelines are those that change events of files: the built-in ones, or those of
// a folder.
func offlinePipelines(folder string, l ingest.Locator) (*pipeline.Set, error) {
	var all []*pipeline.Pipeline
	var err error
	if folder == "" {
		all, err = registry.BuiltIn(content.Files)
	} else {
		all, err = pipelinesBelow(folder)
	}
	if err != nil {
		return nil, err
	}
	return pipeline.NewSet(all, pipeline.Deps{Locator: l}), nil
}

// addPipelines adds --pipelines to a command that reads events from files.
func addPipelines(flags *pflag.FlagSet, into *string) {
	flags.StringVar(into, "pipelines", "", "a folder of pipelines (*.yaml, *.json) instead of the built-in ones; they run in the order of their names")
}
