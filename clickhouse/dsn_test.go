package clickhouse_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nightjar/clickhouse"
)

func TestAddressIsRead(t *testing.T) {
	o, err := clickhouse.ParseDSN("clickhouse://us%40er:p%40ss%2F%3A%23@one:9000,two:9440/events?secure=true")
	if err != nil {
		t.Fatal(err)
	}
	if o.Auth.Username != "us@er" || o.Auth.Password != "p@ss/:#" || o.Auth.Database != "events" || o.TLS == nil {
		t.Errorf("%+v", o.Auth)
	}
	if diff := cmp.Diff([]string{"one:9000", "two:9440"}, o.Addr); diff != "" {
		t.Error(diff)
	}
}

func TestAddressErrorsSayWhatIsWrongAndHideSecrets(t *testing.T) {
	for dsn, want := range map[string]string{
		"":                                                       "does not start with clickhouse://",
		"user:s3cret@host:9000":                                  "does not start with clickhouse://",
		"http://user:s3cret@host:8123/db":                        "does not start with clickhouse://",
		"clickhouse://user:s3cret@host/db":                       "host 1 has no port",
		"clickhouse://user:s3cret@a:1,b/d":                       "every host needs a port",
		"clickhouse://user:s3cret@:9000":                         "host 1 has no name",
		"clickhouse://user:s3cret":                               "every host needs a port",
		"clickhouse://user:s3cret@host:x/":                       "not a URL",
		"clickhouse://user:s3cret@host:99999/db":                 "not a number from 1 to 65535",
		"clickhouse://user:%s3cret@host:9000/db":                 "not a URL",
		"clickhouse://user:s3 cret@host:9000/db":                 "not a URL",
		"clickhouse://user:x/s3cret@host:9000/db":                "not a URL",
		"clickhouse://user:1/s3cret@host:9000/db":                "written as %2F",
		"clickhouse://user:1#s3cret@host:9000/db":                "written as %23",
		"clickhouse://user:1?s3cret@host:9000/db":                "",
		"clickhouse://user:1?%s3cret@host:9000/db":               "written as %3F",
		"clickhouse://host:9000/db?password=s3cret":              "before the @",
		"clickhouse://u:s3cret@host:9000/db?dial_timeout=s3cret": "has a value that cannot be read",
	} {
		_, err := clickhouse.ParseDSN(dsn)
		if want == "" {
			continue // it means something else than was meant, and is reported by the server
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", dsn, err, want)
			continue
		}
		if strings.Contains(err.Error(), "s3") {
			t.Errorf("%s: the error tells the secret: %v", dsn, err)
		}
	}
}

func FuzzParseDSN(f *testing.F) {
	for _, dsn := range []string{"clickhouse://user:secret@host:9000/db", "clickhouse://a:b@c:1,d:2?secure=true&dial_timeout=1s",
		"clickhouse://u:p@ss@h:1", "clickhouse://h:1?password=x", "clickhouse://%zz", "clickhouse://u:p@h:9000/db?http_proxy=http%3A%2F%2Fu:p%40h"} {
		f.Add(dsn, "Pa55word")
	}
	f.Fuzz(func(t *testing.T, dsn, password string) {
		// Whatever is wrong with the rest, a password in it stays in it.
		marked := strings.Replace(dsn, "secret", "QZQZ"+password, 1)
		o, err := clickhouse.ParseDSN(marked)
		if err != nil {
			if strings.Contains(err.Error(), "QZQZ") {
				t.Errorf("%q: %v", marked, err)
			}
			return
		}
		if len(o.Addr) == 0 {
			t.Errorf("%q names no host", marked)
		}
		// Any password can be written, escaped.
		o, err = clickhouse.ParseDSN("clickhouse://" + url.UserPassword("user", password).String() + "@host:9000/db")
		if err != nil || o.Auth.Password != password {
			t.Errorf("password %q was read as %q, %v", password, o.Auth.Password, err)
		}
	})
}
