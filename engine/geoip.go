package engine

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.uber.org/fx"

	"nightjar/api/services/facets"
	"nightjar/api/services/operations"
	"nightjar/ingest"
	"nightjar/ingest/geoip"
)

// GeoIPHelp says what --geoip is.
const GeoIPHelp = "GeoIP database (.mmdb) that says where @network.client.ip is; may be given several times, the first counts most"

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

// places is the databases as the API wants them; nil when there are none.
func places(d *geoip.Databases) facets.Places {
	if d == nil {
		return nil
	}
	return d
}

func describeGeoIP(d *geoip.Databases) []operations.GeoIP {
	if d == nil {
		return nil
	}
	var out []operations.GeoIP
	for _, db := range d.List() {
		out = append(out, operations.GeoIP{File: db.Path, Type: db.Type, Built: time.Unix(int64(db.BuildEpoch), 0), Attribution: db.Attribution})
	}
	return out
}
