package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
)

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
