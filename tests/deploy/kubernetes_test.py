"""kubernetes_test.py CHECKS: renders the overlays and the farm with
kubectl, validates them against the schemas of several Kubernetes versions, and
checks what no schema knows: selectors, times, names, hardening."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from manifests import (
    KUBERNETES,
    ROOT,
    missing,
    pod_templates,
    project_version,
    render,
)

SKIPPED = 77
# preStop's sleep is on by default since 1.30.
VERSIONS = ["1.30", "1.34", "1.37"]
NOT_IN_SCHEMAS = {"ServiceMonitor"}


def validate(objects):
    import kubernetes_validate

    for version in VERSIONS:
        for thing in objects:
            if thing["kind"] not in NOT_IN_SCHEMAS:
                kubernetes_validate.validate(thing, version, strict=True)


def check_the_check():
    """The schemas refuse a field that does not exist."""
    import kubernetes_validate

    bad = {"apiVersion": "v1", "kind": "Service", "spec": {"prots": []}}
    try:
        kubernetes_validate.validate(bad, VERSIONS[0], strict=True)
    except kubernetes_validate.ValidationError:
        return
    raise AssertionError("a wrong field passes")


def one(objects, kind, name=None):
    found = [
        thing
        for thing in objects
        if thing["kind"] == kind and name in (None, thing["metadata"]["name"])
    ]
    assert len(found) == 1, f"{len(found)} objects of kind {kind}"
    return found[0]


def check_pod(name, template):
    spec = template["spec"]
    context = spec["securityContext"]
    assert context["runAsNonRoot"] and context["runAsUser"] == 65532, name
    assert context["seccompProfile"]["type"] == "RuntimeDefault", name
    assert spec["automountServiceAccountToken"] is False, name
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"], name
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert "memory" in container["resources"]["limits"], name
        image, tag = container["image"].rsplit(":", 1)
        if image.startswith("foresight-"):
            assert tag == project_version(), name
        mounts = {mount["name"] for mount in container["volumeMounts"]}
        volumes = {volume["name"] for volume in spec["volumes"]}
        assert mounts - volumes <= {"state"}, f"{name}: {mounts - volumes}"


def seconds_of(arguments, flag):
    (text,) = [a for a in arguments if a.startswith(flag + "=")]
    return int(re.fullmatch(flag + r"=(\d+)s", text)[1])


def check_store(objects):
    """The servers read where their store is, and may reach it."""
    container = one(objects, "StatefulSet")["spec"]["template"]["spec"][
        "containers"
    ][0]
    (config,) = [a for a in container["args"] if a.startswith("--config=")]
    assert not any("--state" in argument for argument in container["args"])
    folders = [m["mountPath"] for m in container["volumeMounts"]]
    assert str(pathlib.PurePosixPath(config.split("=")[1]).parent) in folders
    egress = one(objects, "NetworkPolicy", "foresight-server")["spec"]["egress"]
    assert {p["port"] for rule in egress for p in rule["ports"]} == {53, 6379}


def check_server(objects, alone=True):
    server = one(objects, "StatefulSet")
    template = server["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    container = template["spec"]["containers"][0]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}

    def selects(selector):
        return selector.items() <= labels

    assert selects(server["spec"]["selector"]["matchLabels"])
    for service in (t for t in objects if t["kind"] == "Service"):
        if service["metadata"]["name"] == "foresight-haproxy":
            continue  # check_haproxy looks at it.
        assert selects(service["spec"]["selector"]), service["metadata"]["name"]
        assert all(p["targetPort"] in ports for p in service["spec"]["ports"])
    one(objects, "Service", server["spec"]["serviceName"])
    budget = one(objects, "PodDisruptionBudget", "foresight")["spec"]
    assert selects(budget["selector"]["matchLabels"])
    policy = one(objects, "NetworkPolicy", "foresight-server")["spec"]
    assert selects(policy["podSelector"]["matchLabels"])
    assert "Egress" in policy["policyTypes"]
    assert not alone or policy["egress"] == []
    target = one(objects, "HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]
    assert target["name"] == server["metadata"]["name"]

    drain = sum(
        seconds_of(container["args"], flag)
        for flag in ("--shutdown-notice", "--drain-timeout")
    ) + container["lifecycle"]["preStop"]["sleep"]["seconds"]
    grace = template["spec"]["terminationGracePeriodSeconds"]
    assert grace >= drain + 10, f"grace {grace} s is too short for {drain} s"

    monitor = one(objects, "ServiceMonitor")["spec"]
    monitored = one(objects, "Service", "foresight")
    chosen = monitor["selector"]["matchLabels"].items()
    assert chosen <= monitored["metadata"]["labels"].items()
    names = {port["name"] for port in monitored["spec"]["ports"]}
    assert {endpoint["port"] for endpoint in monitor["endpoints"]} <= names


def check_haproxy(objects):
    """HAProxy finds every server, may reach it, and accepts its configuration."""
    name = "foresight-haproxy"
    template = one(objects, "Deployment", name)["spec"]["template"]
    labels = template["metadata"]["labels"].items()
    (container,) = template["spec"]["containers"]
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    for kind in ("Deployment", "PodDisruptionBudget", "Service", "NetworkPolicy"):
        spec = one(objects, kind, name)["spec"]
        selector = spec.get("selector") or spec["podSelector"]
        assert selector.get("matchLabels", selector).items() <= labels, kind
    service = one(objects, "Service", name)["spec"]
    assert all(port["targetPort"] in ports for port in service["ports"])

    server = one(objects, "StatefulSet")
    server_pod = server["spec"]["template"]
    allowed = [
        {port["port"] for port in rule["ports"]}
        for rule in one(objects, "NetworkPolicy", "foresight-server")["spec"]["ingress"]
        for source in rule["from"]
        if source.get("podSelector", {}).get("matchLabels", {}).items() <= labels
        and "podSelector" in source
    ]
    assert allowed == [{"grpc", "metrics"}], allowed
    to_servers = [
        rule
        for rule in one(objects, "NetworkPolicy", name)["spec"]["egress"]
        for target in rule.get("to", [])
        if target["podSelector"]["matchLabels"].items()
        <= server_pod["metadata"]["labels"].items()
    ]
    assert [{p["port"] for p in rule["ports"]} for rule in to_servers] == allowed

    volumes = {volume["name"]: volume for volume in template["spec"]["volumes"]}
    config = one(objects, "ConfigMap", volumes["config"]["configMap"]["name"])
    text = config["data"]["haproxy.cfg"]
    variables = {variable["name"]: variable["value"] for variable in container["env"]}
    domain = (
        f"{server['spec']['serviceName']}.{server['metadata']['namespace']}.svc."
    )
    assert variables["FORESIGHT_DOMAIN"].startswith(domain), domain
    server_ports = {
        port["name"]: port["containerPort"]
        for port in server_pod["spec"]["containers"][0]["ports"]
    }
    most = one(objects, "HorizontalPodAutoscaler")["spec"]["maxReplicas"]
    for number in range(most):
        pod = f"{server['metadata']['name']}-{number}"
        address = '"%s.${FORESIGHT_DOMAIN}:%d"' % (pod, server_ports["grpc"])
        assert f"server {pod} {address}" in text, pod
    assert f"default-server port {server_ports['metrics']} " in text
    assert variables["FORESIGHT_LISTEN"].endswith(f":{ports['grpc']}")
    assert variables["FORESIGHT_PROBES"].endswith(f":{ports['probes']}")
    mounts = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
    assert variables["FORESIGHT_TLS"] == mounts["tls"]
    assert container["command"][-1] == mounts["config"] + "/haproxy.cfg"
    with tempfile.TemporaryDirectory() as folder:
        make_certificate(pathlib.Path(folder))
        (pathlib.Path(folder) / "haproxy.cfg").write_text(text)
        subprocess.run(
            ["/usr/sbin/haproxy", "-c", "-q", "-f", folder + "/haproxy.cfg"],
            env={**os.environ, **variables, "FORESIGHT_TLS": folder},
            check=True,
        )


def make_certificate(folder):
    """Makes tls.crt, tls.key and ca.crt, as in a secret of cert-manager."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=foresight",
         "-keyout", folder / "tls.key", "-out", folder / "tls.crt"],
        check=True, capture_output=True)
    (folder / "ca.crt").write_bytes((folder / "tls.crt").read_bytes())


def check_names_of_single_servers(objects):
    """The certificate covers the servers' names as gRPC matches them: what follows
    the star must have a dot."""
    server = one(objects, "StatefulSet")
    domain = f"{server['spec']['serviceName']}.{server['metadata']['namespace']}.svc"
    readme = (KUBERNETES / "README.md").read_text()
    replicas = (KUBERNETES / "overlays/replicas/kustomization.yaml").read_text()
    stars = set(re.findall(r"\*\.([a-z.-]+)", readme))
    named = set(re.findall(r"foresight-\d\.([a-z.-]+)", readme + replicas))
    assert stars == named == {domain}, f"{stars} and {named}, not {domain}"


def check_autoscaler_metric(objects):
    import yaml

    adapter = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())
    made = {rule["name"]["as"] for rule in adapter["rules"]["custom"]}
    spec = one(objects, "HorizontalPodAutoscaler")["spec"]
    read = {metric["pods"]["metric"]["name"] for metric in spec["metrics"]}
    assert read <= made, f"no rule makes {read - made}"
    exported = (ROOT / "server/metrics/metrics.cc").read_text()
    for rule in adapter["rules"]["custom"]:
        for name in re.findall(r"foresight_\w+", rule["metricsQuery"]):
            assert f'"{name}"' in exported, f"the server has no metric {name}"


def check_farm(objects):
    farm = one(objects, "Job", "foresight-farm")["spec"]
    gather = one(objects, "Job", "foresight-gather")["spec"]

    def number(job, flag):
        arguments = job["template"]["spec"]["containers"][0]["args"]
        (text,) = [a for a in arguments if a.startswith(flag + "=")]
        return int(text.split("=")[1])

    played = farm["completions"] * number(farm, "--episodes")
    assert number(gather, "--episodes") == played
    # The first seeds of successive pods are a hundred apart.
    assert number(farm, "--episodes") <= 100


def main():
    checks = pathlib.Path(sys.argv[1])
    if missing(checks, "bin/kubectl", "kubernetes_validate"):
        return SKIPPED
    sys.path.insert(0, str(checks))
    check_the_check()
    for folder in ("overlays/cpu", "overlays/gpu", "overlays/replicas", "farm"):
        objects = render(checks, folder)
        validate(objects)
        for name, template in pod_templates(objects):
            check_pod(name, template)
        if folder == "farm":
            check_farm(objects)
        else:
            shared = folder == "overlays/replicas"
            check_server(objects, alone=not shared)
            check_names_of_single_servers(objects)
            if shared:
                check_store(objects)
                check_haproxy(objects)
            check_autoscaler_metric(objects)
        print(f"{folder}: {len(objects)} objects")
    return 0


if __name__ == "__main__":
    sys.exit(main())
