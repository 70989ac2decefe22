"""The server of a flow that has none."""

import contextlib

from prefect.settings import PREFECT_API_URL, PREFECT_HOME, temporary_settings

from flows import server


def test_the_folder_of_a_server_is_made_with_those_above_it(tmp_path, monkeypatch):
    closers = []
    monkeypatch.setattr(server.atexit, "register", closers.append)
    monkeypatch.setattr(server, "running", lambda *args, **options: contextlib.nullcontext())
    monkeypatch.setattr(server, "wait_for", lambda api, process: None)
    home = tmp_path / "above/home"
    with temporary_settings({PREFECT_HOME: home}, restore_defaults={PREFECT_API_URL}):
        server.serve_this_process()
        assert home.is_dir()
        assert PREFECT_API_URL.value().startswith("http://127.0.0.1:")
        closers[0]()  # as the interpreter's end would
