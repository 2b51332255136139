package main

import (
	"fmt"
	"net"

	"go.temporal.io/server/common/cluster"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/dynamicconfig"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/membership/static"
	"go.temporal.io/server/common/primitives"
	"go.temporal.io/server/temporal"
)

const (
	loopback    = "127.0.0.1"
	clusterName = "sam-mil"
	storeName   = "sqlite"
)

// settings differ from Temporal's defaults, which are made for a cluster of machines.
var settings = dynamicconfig.StaticClient{
	// With the usual four partitions, a step may wait in one while the worker's only poll waits at another
	// for a minute: the server does not forward what is older than 5 s. In a single partition steps start in
	// the order in which they became ready. All four are still read, because an earlier run may have steps
	// there.
	dynamicconfig.MatchingNumTaskqueueWritePartitions.Key(): 1,
	// A search attribute can be used as soon as it was added.
	dynamicconfig.ForceSearchAttributesCacheRefreshOnRead.Key(): true,
	// One user, whose commands may list often and whose machine holds other things in memory.
	dynamicconfig.HistoryCacheHostLevelMaxSize.Key():                 8096,
	dynamicconfig.FrontendMaxNamespaceVisibilityRPSPerInstance.Key(): 100,
}

// newTemporal configures the four services of one process. Only gRPC ports are opened: no HTTP API, no
// metrics, no profiler, no membership.
func newTemporal(
	ports map[primitives.ServiceName]int,
	namespace string,
	certificates *certificates,
	logger log.Logger,
) (temporal.Server, error) {
	store, err := openDatabase(namespace)
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", databaseName, err)
	}
	provider, err := certificates.provider()
	if err != nil {
		return nil, fmt.Errorf("certificates: %w", err)
	}
	services := map[string]config.Service{}
	hosts := map[primitives.ServiceName]static.Hosts{}
	for service, port := range ports {
		services[string(service)] = config.Service{RPC: config.RPC{GRPCPort: port, BindOnIP: loopback}}
		hosts[service] = static.SingleLocalHost(address(port))
	}
	return temporal.NewServer(
		temporal.WithConfig(newConfig(store, services, address(ports[primitives.FrontendService]))),
		temporal.ForServices(temporal.DefaultServices),
		temporal.WithStaticHosts(hosts),
		temporal.WithTLSConfigFactory(provider),
		temporal.WithDynamicConfigClient(settings),
		temporal.WithLogger(logger),
	)
}

func newConfig(store *config.SQL, services map[string]config.Service, frontend string) *config.Config {
	off := config.ArchivalNamespaceDefaults{
		History:    config.HistoryArchivalNamespaceDefaults{State: "disabled"},
		Visibility: config.VisibilityArchivalNamespaceDefaults{State: "disabled"},
	}
	return &config.Config{
		Persistence: config.Persistence{
			DefaultStore:     storeName,
			VisibilityStore:  storeName,
			NumHistoryShards: 1,
			DataStores:       map[string]config.DataStore{storeName: {SQL: store}},
		},
		// Without an id given here, the first start writes a random one into the database.
		ClusterMetadata: &cluster.Config{
			FailoverVersionIncrement: 10,
			MasterClusterName:        clusterName,
			CurrentClusterName:       clusterName,
			ClusterInformation: map[string]cluster.ClusterInformation{
				clusterName: {Enabled: true, InitialFailoverVersion: 1, RPCAddress: frontend},
			},
		},
		DCRedirectionPolicy: config.DCRedirectionPolicy{Policy: "noop"},
		Services:            services,
		PublicClient:        config.PublicClient{HostPort: frontend},
		Archival: config.Archival{
			History:    config.HistoryArchival{State: "disabled"},
			Visibility: config.VisibilityArchival{State: "disabled"},
		},
		NamespaceDefaults: config.NamespaceDefaults{Archival: off},
	}
}

func address(port int) string {
	return net.JoinHostPort(loopback, fmt.Sprint(port))
}
