"""What Locust's web UI has beyond Locust: a form that explains itself, the Compare tab, and a lock on the door."""

from typing import Any

from flask import Blueprint, Response, request
from locust.env import Environment

from loadtest import results, targets
from loadtest.webui import compare, form, guard

PAGE = '<link rel="stylesheet" href="./lab/page.css"><script src="./lab/page.js"></script></body>'


def install(environment: Environment) -> None:
    """Before the web UI starts to listen. SystemExit, with the reason, where it would be open to anybody."""
    web_ui = environment.web_ui
    assert web_ui and web_ui.app and environment.parsed_options
    # The lab's own pages stand beside Locust's, wherever --web-base-path puts those.
    prefix = environment.parsed_options.web_base_path or None
    lab = Blueprint("lab", __name__, url_prefix=prefix, static_folder="static", static_url_path="/lab")
    guard.lock(web_ui, lab)
    form.check_before_start(environment)
    form.keep_values(environment)
    compare.serve(environment, lab)
    web_ui.app.register_blueprint(lab)

    web_ui.app.jinja_env.policies["json.dumps_kwargs"] = {"sort_keys": False}  # the form keeps the options' order
    web_ui.template_args["extended_tabs"] = [{"title": "Compare", "key": "compare"}]
    web_ui.template_args["lab_rows"] = {name: describe(row) for name, row in targets.rows().items()}
    web_ui.template_args["lab_form"] = form.describe()

    @web_ui.app.after_request
    def fit_page(response: Response) -> Response:
        if request.endpoint == "locust.index" and response.mimetype == "text/html":
            response.set_data(response.get_data(as_text=True).replace("</body>", PAGE))
        if request.endpoint == "locust.stats_report" and response.mimetype == "text/html":
            sampler = environment.sampler  # type: ignore[attr-defined]  # see locustfile.py
            response.set_data(results.report(environment, sampler, response.get_data(as_text=True)))
        return response


def describe(row: dict[str, Any]) -> str:
    app = "bare" if row["framework"] == "none" else row["framework"]
    return f"{row['interface']}: {app} on {row['server']}, {row['model']}"
