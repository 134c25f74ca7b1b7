import java.net.CookieManager;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The thirteen operations by the JDK's HttpClient, which offers HTTP/2 on each plain request. */
public class Jdk {
    static final HttpClient CLIENT = HttpClient.newBuilder().cookieHandler(new CookieManager()).build();
    static final String API = System.getenv("RETAINER_API");

    static String ask(String method, String path, String body, int status) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(API + path));
        if (body == null) {
            request.method(method, HttpRequest.BodyPublishers.noBody());
        } else {
            request.method(method, HttpRequest.BodyPublishers.ofString(body));
            request.header("Content-Type", "application/json");
        }
        HttpResponse<String> response =
            CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
        if (response.statusCode() != status) {
            throw new IllegalStateException(method + " " + path + " " + response.statusCode() + " " + response.body());
        }
        return response.body();
    }

    static String id(String body) {
        Matcher found = Pattern.compile("\"id\" ?: ?(\\d+)").matcher(body);
        if (!found.find()) throw new IllegalStateException(body);
        return found.group(1);
    }

    public static void main(String[] arguments) throws Exception {
        ask("POST", "/login", "{\"username\":\"ada@example.com\",\"password\":\"quiet-ledger-2026\"}", 200);
        String path = "/organizations/" + id(ask("POST", "/organizations", "{\"name\":\"Thirteen\",\"type\":\"customer\"}", 200));
        String read = ask("GET", path, null, 200);
        ask("PUT", path, read, 200);
        String copy = id(ask("POST", path + "/duplicate", null, 200));
        for (String list : new String[] {"tasks", "projects", "documents"}) ask("GET", path + "/" + list, null, 200);
        ask("POST", path + "/members", "{\"contactId\":1,\"role\":\"member\"}", 200);
        ask("PATCH", path + "/members/1", "{\"role\":\"stakeholder\"}", 200);
        ask("GET", path + "/members", null, 200);
        ask("DELETE", path + "/members/1", null, 204);
        ask("DELETE", "/organizations/" + copy, null, 204);
        ask("DELETE", path, null, 204);
        ask("GET", "/organizations", null, 200);
        ask("POST", "/logout", null, 204);
        System.out.println("13 of 13");
    }
}
