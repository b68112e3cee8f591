package clienttest

import (
	"testing"

	"github.com/DataDog/datadog-api-client-go/v2/api/datadog"
	"github.com/DataDog/datadog-api-client-go/v2/api/datadogV2"
)

func TestX(t *testing.T) { _ = datadogV2.NewSecurityMonitoringApi(datadog.NewAPIClient(datadog.NewConfiguration())) }
