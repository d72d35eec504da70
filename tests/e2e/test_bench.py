"""`scripts/bench` as its user sees it, but so short that its figures mean nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_ingest_measures_the_producer_beside_its_peers(tmp_path: Path) -> None:
    figures, told = _bench("ingest", "--seconds", "0.2", "--rounds", "1", "--megabytes", "20", out=tmp_path)
    assert figures.keys() >= {
        "bulk_rate",
        "bulk_vs_raw",
        "bulk_rss_growth_mb",
        *(f"bulk_cpu_us_{records}" for records in (1_000, 20_000, 100_000)),
        "put_cpu_vs_noop_64",
        "put_cpu_vs_naive_64",
        "put_rate_vs_naive_64",
        "put_p99_vs_naive_64",
        "put_p50_vs_bare_1",
        "raw_rate",
        *(f"put_{server}_rate_{count}" for server in ("noop", "naive", "ours") for count in (1, 64, 256)),
    }
    assert min(figures.values()) >= 0
    assert "ours / naive" in told


def test_overload_accounts_for_every_answer(tmp_path: Path) -> None:
    figures, told = _bench("overload", "--seconds", "2", out=tmp_path)
    assert figures["overload_accepted_share"] > 0
    assert figures["overload_other_answers"] == 0
    assert figures.keys() >= {"overload_peak_rss_mb", "overload_slowest_s", "overload_recovery_s"}
    assert "× 200" in told  # noqa: RUF001


def test_slow_compares_with_and_without(tmp_path: Path) -> None:
    figures, told = _bench("slow", "--seconds", "0.5", "--rounds", "1", out=tmp_path)
    assert figures["slow_rate_share"] > 0
    assert "with / without" in told


@pytest.mark.timeout(300)
def test_record_measures_the_fold_its_effects_and_its_failures(tmp_path: Path) -> None:
    figures, told = _bench("record", "--brief", out=tmp_path)
    assert figures.keys() >= {
        "fold_rate",
        "fold_vs_raw",
        "fold_cpu_us",
        "fold_cpu_growth_1k_1m",
        *(f"fold_rate_{scale}" for scale in ("1k", "5k", "100k", "1m", "2_processes", "3_processes")),
        *(f"effect_{figure}_ms{rate}" for figure in ("p50", "p99") for rate in ("", "_10", "_80pct")),
        "effect_sustained_rate",
        "restore_rate",
        "restore_s_1m",
        "rss_mb_1m",
        "takeover_term_s",
        "takeover_kill_s",
    }
    assert min(figures.values()) >= 0
    assert figures["effect_p50_ms"] <= figures["effect_p99_ms"]
    assert figures["takeover_kill_s"] > figures["takeover_term_s"] > 0
    assert "5,000 students / getmany" in told


def test_effects_are_measured_beside_a_limit_and_the_obvious_way(tmp_path: Path) -> None:
    figures, told = _bench("effects", "--brief", out=tmp_path)
    assert figures.keys() >= {
        "lanes_vs_ideal_100",
        "lanes_vs_ideal_10000",
        "healthy_share_with_failing",
        "cpu_us_per_record",
        *(f"{who}_{figure}_{keys}" for who in ("ours", "ideal") for figure in ("s", "cpu_us") for keys in (100, 10000)),
        "serial_s_100",
        "healthy_rate_without",
        "healthy_rate_with",
    }
    for keys in (100, 10000):
        assert figures[f"ours_s_{keys}"] >= figures[f"ours_finished_s_{keys}"] > 0
    assert figures["serial_vs_lanes_100"] > 1
    assert "ours / nothing promised" in told


def test_stream_accounts_for_every_viewer(tmp_path: Path) -> None:
    figures, told = _bench("stream", "--seconds", "1", "--rounds", "1", "--viewers", "200", out=tmp_path)
    assert figures.keys() >= {
        *(f"delivery_{who}_{figure}_ms" for who in ("all", "one") for figure in ("p50", "p99", "max")),
        *(
            f"{figure}_{who}"
            for who in ("alone", "all", "one", "past")
            for figure in ("put_p50_ms", "put_p99_ms", "cpu_share")
        ),
        "put_rate_alone",
        "put_rate_all",
        "put_share",
        "rss_mb",
    }
    assert figures["delivery_all_p50_ms"] <= figures["delivery_all_p99_ms"]
    assert "who watches" in told


def test_says_before_the_run_that_figures_cannot_be_written(tmp_path: Path) -> None:
    run = subprocess.run(_command("slow", "--json", str(tmp_path / "none" / "out")), capture_output=True, check=False)
    assert run.returncode == 2
    assert b"can't write" in run.stderr


def _bench(*arguments: str, out: Path) -> tuple[dict[str, float], str]:
    """Run a bench, and give its figures and what it has printed."""
    path = out / "figures.json"
    run = subprocess.run(_command(*arguments, "--json", str(path)), stdout=subprocess.PIPE, check=True, text=True)
    figures = json.loads(path.read_text())
    assert all(isinstance(value, int | float) for value in figures.values())
    return figures, run.stdout


def _command(*arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "scripts/bench"), *arguments]
