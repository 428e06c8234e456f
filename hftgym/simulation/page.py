"""A day as one HTML page: the picture to zoom into, and the table. Opens without a network."""

from __future__ import annotations

import html
from pathlib import Path
from typing import Any

import numpy as np

from hftgym.analytics.market_day import MarketDay
from hftgym.scenario import Scenario
from hftgym.simulation.day_image import DayImage, day_image
from hftgym.simulation.picture import (
    ASK,
    BID,
    GREY,
    INK,
    SHADES,
    scale_marks,
    shade_of,
    time_step,
    time_text,
)
from hftgym.training.atomic import write_bytes

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: {ink}; max-width: 1400px; margin: 1.5em auto;
  padding: 0 1em; }}
h1 {{ font-size: 1.4em; margin: 0; }}
p {{ color: {grey}; margin: 0 0 .5em; }}
pre {{ font-size: 13px; overflow-x: auto; background: #f6f7f7; padding: 1em; border-radius: 6px; }}
</style>
</head>
<body>
<h1>{title}</h1>
<p>{description}</p>
{picture}
<pre>{table}</pre>
</body>
</html>
"""


def draw_page(day: MarketDay, scenario: Scenario, title: str, table: str, path: Path) -> None:
    """Write a day as a page that needs nothing but itself.

    Args:
        day: what happened.
        scenario: the market's.
        title: of the page.
        table: figures, as text.
        path: file to write.
    """
    image = day_image(day, clock=scenario.tape is not None)
    picture = _picture(image).to_html(
        full_html=False,
        include_plotlyjs=True,
        config={"displaylogo": False, "responsive": True, "scrollZoom": True},
    )
    text = _PAGE.format(
        title=html.escape(title),
        description=html.escape(scenario.description),
        picture=picture,
        table=html.escape(table),
        ink=INK,
        grey=GREY,
    )
    write_bytes(path, text.encode())


def _picture(image: DayImage) -> Any:
    from plotly.subplots import make_subplots

    figure = make_subplots(
        rows=3, cols=1, shared_xaxes=True, row_heights=[0.7, 0.13, 0.17], vertical_spacing=0.025
    )
    figure.add_trace(_depth(image), 1, 1)
    for trace in _lines(image):
        figure.add_trace(trace, 1, 1)
    for trace in _trades(image):
        figure.add_trace(trace, 1, 1)
    figure.add_trace(_spread(image), 2, 1)
    for trace in _volume(image):
        figure.add_trace(trace, 3, 1)
    for begin, end in image.closed.tolist():
        figure.add_vrect(x0=begin, x1=end, fillcolor=GREY, opacity=0.18, line_width=0)
    times = np.arange(
        np.ceil(image.edge_s[0] / time_step(image)) * time_step(image),
        image.edge_s[-1] + 1e-9,
        time_step(image),
    )
    figure.update_xaxes(
        range=[float(image.edge_s[0]), float(image.edge_s[-1])],
        tickvals=times,
        ticktext=[time_text(float(t), image) for t in times],
        showgrid=False,
    )
    figure.update_xaxes(
        title_text="time of day" if image.clock else "time after the burn-in", row=3, col=1
    )
    figure.update_yaxes(showgrid=False, zeroline=False)
    figure.update_yaxes(
        title_text="price, ticks", range=[image.low_tick, image.high_tick], tickformat=",d",
        row=1, col=1,
    )  # fmt: skip
    figure.update_yaxes(title_text="spread", rangemode="tozero", row=2, col=1)
    figure.update_yaxes(title_text="lots", zeroline=True, zerolinecolor=INK, row=3, col=1)
    figure.update_layout(
        template="plotly_white",
        height=820,
        margin={"l": 70, "r": 20, "t": 40, "b": 50},
        legend={"orientation": "h", "y": 1.005, "yanchor": "bottom", "x": 0},
        font={"color": INK, "size": 12},
        bargap=0,
        barmode="relative",
        hovermode="closest",
    )
    return figure


def _depth(image: DayImage) -> Any:
    import plotly.graph_objects as go

    shade, darkest = shade_of(image.depth)
    ticks = image.low_tick + image.row_tick * (np.arange(len(image.depth)) + 0.5)
    lots = scale_marks(darkest)
    return go.Heatmap(
        x=image.edge_s,
        y=ticks,
        z=shade.astype(np.float32),
        customdata=image.depth.astype(np.int32),
        zmin=-darkest,
        zmax=darkest,
        colorscale=[[k / (len(SHADES) - 1), shade] for k, shade in enumerate(SHADES)],
        hovertemplate="%{y:,.0f} ticks: %{customdata} lots<extra></extra>",
        colorbar={
            "title": {"text": "lots: asks < > bids", "side": "right"},
            "tickvals": [float(np.sign(m) * np.log1p(abs(m))) for m in lots],
            "ticktext": [f"{abs(m):,}" for m in lots],
            "len": 0.7,
            "y": 1.0,
            "yanchor": "top",
            "thickness": 12,
            "outlinewidth": 0,
        },
    )


def _lines(image: DayImage) -> list[Any]:
    import plotly.graph_objects as go

    return [
        go.Scatter(
            x=image.edge_s[1:],
            y=prices,
            name=group,
            legendgroup=group,
            showlegend=name != "ask",
            mode="lines",
            line={"color": INK, "width": width, "shape": "vh"},
            opacity=opacity,
            hovertemplate=f"{name} %{{y:,.1f}}<extra></extra>",
        )
        for prices, name, group, width, opacity in (
            (image.bid, "bid", "touch", 0.7, 0.6),
            (image.ask, "ask", "touch", 0.7, 0.6),
            (image.mid, "mid", "mid", 1.4, 1.0),
        )
    ]


def _trades(image: DayImage) -> list[Any]:
    import plotly.graph_objects as go

    found = []
    largest = max(float(np.quantile(image.trades[:, 2], 0.98)), 1.0) if len(image.trades) else 1.0
    for side, symbol, colour, name in (
        (1, "triangle-up", BID, "buyer took"),
        (-1, "triangle-down", ASK, "seller took"),
        (0, "diamond", INK, "auction"),
    ):
        dots = image.trades[image.trades[:, 3] == side]
        if len(dots):
            size = 4 + 8 * np.sqrt(np.clip(dots[:, 2] / largest, 0, 1))
            size = size / 3 if image.crowded else size
            found.append(
                go.Scattergl(
                    x=dots[:, 0],
                    y=dots[:, 1],
                    customdata=dots[:, 2],
                    name=name,
                    mode="markers",
                    marker={
                        "symbol": symbol,
                        "color": colour,
                        "size": size,
                        "line": {"color": "white", "width": 0.0 if image.crowded else 0.5},
                    },
                    hovertemplate=name + " %{customdata} lots at %{y:,.2f}<extra></extra>",
                )
            )
    return found


def _spread(image: DayImage) -> Any:
    import plotly.graph_objects as go

    return go.Scatter(
        x=image.edge_s[1:],
        y=image.spread,
        name="spread",
        showlegend=False,
        mode="lines",
        line={"color": INK, "width": 1, "shape": "vh"},
        fill="tozeroy",
        fillcolor="rgba(138,148,160,0.35)",
        hovertemplate="spread %{y:.2f} ticks<extra></extra>",
    )


def _volume(image: DayImage) -> list[Any]:
    import plotly.graph_objects as go

    bought, sold, auction = image.lots
    return [
        go.Bar(
            x=image.middle_s,
            y=sign * lots,
            customdata=lots,
            width=np.diff(image.edge_s),
            marker={"color": colour, "line": {"width": 0}},
            name=name,
            showlegend=False,
            hovertemplate=name + " %{customdata} lots<extra></extra>",
        )
        for lots, sign, colour, name in (
            (bought, 1, BID, "bought"),
            (sold, -1, ASK, "sold"),
            (auction, 1, INK, "auction"),
        )
        if lots.any()
    ]
