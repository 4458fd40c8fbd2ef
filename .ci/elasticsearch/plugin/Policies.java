package dev.signalbox.test;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.elasticsearch.ResourceNotFoundException;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.core.CheckedFunction;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.ParseField;
import org.elasticsearch.xcontent.ToXContent;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentParser;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xpack.core.ilm.DeleteAction;
import org.elasticsearch.xpack.core.ilm.DownsampleAction;
import org.elasticsearch.xpack.core.ilm.ForceMergeAction;
import org.elasticsearch.xpack.core.ilm.LifecycleAction;
import org.elasticsearch.xpack.core.ilm.LifecyclePolicy;
import org.elasticsearch.xpack.core.ilm.LifecycleSettings;
import org.elasticsearch.xpack.core.ilm.RolloverAction;
import org.elasticsearch.xpack.core.ilm.SetPriorityAction;

/**
 * Lifecycle policies, read and checked by the server's own classes, kept until the node ends and
 * carried out by nobody. They do not ask for rights.
 */
final class Policies extends BaseRestHandler {

    private static final NamedXContentRegistry ACTIONS = new NamedXContentRegistry(
        List.of(
            action(DeleteAction.NAME, DeleteAction::parse),
            action(DownsampleAction.NAME, DownsampleAction::parse),
            action(ForceMergeAction.NAME, ForceMergeAction::parse),
            action(RolloverAction.NAME, RolloverAction::parse),
            action(SetPriorityAction.NAME, SetPriorityAction::parse)
        )
    );

    private record Kept(LifecyclePolicy policy, long version) {}

    private final Map<String, Kept> kept = new ConcurrentHashMap<>();

    static List<Setting<?>> settings() {
        return List.of(LifecycleSettings.LIFECYCLE_NAME_SETTING);
    }

    private static NamedXContentRegistry.Entry action(
        String name,
        CheckedFunction<XContentParser, ? extends LifecycleAction, IOException> parse
    ) {
        return new NamedXContentRegistry.Entry(LifecycleAction.class, new ParseField(name), parse::apply);
    }

    @Override
    public String getName() {
        return "signalbox_test_policies";
    }

    @Override
    public List<Route> routes() {
        String path = "/_ilm/policy/{name}";
        return List.of(new Route(RestRequest.Method.GET, path), new Route(RestRequest.Method.PUT, path));
    }

    @Override
    protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) throws IOException {
        String name = request.param("name");
        if (request.method() == RestRequest.Method.PUT) {
            put(name, request);
        }
        Kept found = kept.get(name);
        if (found == null) {
            throw new ResourceNotFoundException("Lifecycle policy not found: {}", name);
        }
        return channel -> {
            XContentBuilder body = channel.newBuilder().startObject();
            if (request.method() == RestRequest.Method.PUT) {
                body.field("acknowledged", true);
            } else {
                body.startObject(name).field("version", found.version()).field("policy");
                found.policy().toXContent(body, ToXContent.EMPTY_PARAMS).endObject();
            }
            channel.sendResponse(new RestResponse(RestStatus.OK, body.endObject()));
        };
    }

    private void put(String name, RestRequest request) throws IOException {
        LifecyclePolicy.validatePolicyName(name);
        var reading = XContentParserConfiguration.EMPTY.withRegistry(ACTIONS);
        try (XContentParser in = request.getXContentType().xContent().createParser(reading, request.content().streamInput())) {
            in.nextToken();
            in.nextToken();
            if ("policy".equals(in.currentName()) == false) {
                throw new IllegalArgumentException("a policy is expected");
            }
            LifecyclePolicy policy = LifecyclePolicy.parse(in, name);
            policy.validate();
            kept.merge(name, new Kept(policy, 1), (old, fresh) -> new Kept(fresh.policy(), old.version() + 1));
        }
    }
}
