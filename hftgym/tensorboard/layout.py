"""Layout of the Custom Scalars tab: which charts stand beside each other."""

from __future__ import annotations

from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.plugins.custom_scalar import layout_pb2

LAYOUT_TAG = "custom_scalars__config__"

# Category -> chart title -> tags (regular expressions, matched from the start to the end).
CHARTS: dict[str, dict[str, tuple[str, ...]]] = {
    "Profit and loss (ticks an episode)": {
        "attribution": ("pnl/total", "pnl/spread_captured", "pnl/inventory", "pnl/fees"),
        "objective": ("eval/objective", "eval/objective_constant_spread"),
    },
    "Risk": {
        "tail of the P&L": ("risk/var95", "risk/cvar95", "risk/drawdown"),
        "inventory (lots)": ("risk/inventory", "risk/inventory_max"),
        "passivity": ("risk/passive", "risk/quoting_share", "risk/withdraw_rate"),
    },
    "Market": {
        "spread (ticks)": ("market/spread",),
        "depth and volume (lots)": ("market/depth", "market/volume"),
    },
    "Learner": {
        "reward": ("rollout/ep_rew_mean", "eval/mean_reward"),
        "update": ("train/approx_kl", "train/clip_fraction", "train/explained_variance"),
    },
}


def layout_summary() -> Any:
    """Return the summary that holds the layout."""
    layout = layout_pb2.Layout(
        category=[
            layout_pb2.Category(
                title=category,
                chart=[
                    layout_pb2.Chart(
                        title=title,
                        multiline=layout_pb2.MultilineChartContent(tag=[f"^{t}$" for t in tags]),
                    )
                    for title, tags in charts.items()
                ],
            )
            for category, charts in CHARTS.items()
        ]
    )
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="custom_scalars"))
    tensor = TensorProto(
        dtype="DT_STRING",
        string_val=[layout.SerializeToString()],
        tensor_shape=TensorShapeProto(),
    )
    return Summary(value=[Summary.Value(tag=LAYOUT_TAG, tensor=tensor, metadata=metadata)])
